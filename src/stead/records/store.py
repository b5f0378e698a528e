"""The SQLite file under the records: opened, migrated, written in whole transactions that survive a power cut."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stead.records.schema import migrate
from stead.words.errors import SteadError

_BUSY_SECONDS = 20.0
#: What goes wrong with records on a disk that is full, read-only, or damaged.
BROKEN = (SteadError, OSError, sqlite3.Error)


class Store:
    """One connection to the file; use it as a context manager, from one thread."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self.connection.close()
                raise
        except (OSError, sqlite3.Error) as wrong:
            raise SteadError(
                f"the records in {path} cannot be used: {wrong}",
                hint="run the command as root; if the file is damaged, move it away: only history is lost, no data",
            ) from None

    def _prepare(self) -> None:
        self.connection.row_factory = sqlite3.Row
        # FULL: an intent that was saved is there after a power cut, too.
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -512"):
            self.connection.execute(f"PRAGMA {pragma}")
        migrate(self.connection)

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all of the body or nothing of it."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield self.connection
            self.connection.execute("COMMIT")
        except BaseException as wrong:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            if isinstance(wrong, sqlite3.OperationalError):
                raise SteadError(f"the records cannot be written: {wrong}", hint="is the disk full?") from None
            raise

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """All rows of a query."""
        return self.connection.execute(query, values).fetchall()

    def row(self, query: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query, if there is one."""
        found: sqlite3.Row | None = self.connection.execute(query, values).fetchone()
        return found


def write_json(content: Mapping[str, Any]) -> str:
    """JSON as it is stored: keys sorted, so that equal content is equal text."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False)


def read_json(text: str) -> dict[str, Any]:
    """The mapping stored by :func:`write_json`."""
    content: dict[str, Any] = json.loads(text)
    return content
