"""What came over already, for each account: so a second run adds nothing, also after the owner moved or deleted it.

It lies in data, in the folder that only the host can open, and so comes back with data after a loss. Before a batch is
shown it is written down as pending; what a kill left pending is looked for by name when the next run begins.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stead.data import HOST_FOLDER
from stead.exchange.items import Item, Kind

#: An item's identity, and a short digest of the folder's name.
Key = tuple[bytes, bytes]

_SCHEMA = """
PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;
CREATE TABLE IF NOT EXISTS seen (id BLOB NOT NULL, place BLOB NOT NULL, PRIMARY KEY (id, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending (item TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value TEXT NOT NULL);
PRAGMA user_version=1;
"""


def ledger_file(data: Path, user: str) -> Path:
    """Where an account's ledger lies in data."""
    return data / HOST_FOLDER / f"imported-{user}.db"


class Ledger:
    """One account's ledger; open it under the import's lock."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._base = sqlite3.connect(file, isolation_level=None)
        self._base.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()

    def known(self, items: Sequence[Item]) -> set[Key]:
        """Where any of these items came over to, as keys."""
        marks = ",".join("?" * len(items))
        ids = [bytes.fromhex(item.id) for item in items]
        return set(self._base.execute(f"SELECT id, place FROM seen WHERE id IN ({marks})", ids))

    def advance(self, done: Iterable[Key], number: int, items: Sequence[Item]) -> int:
        """``done`` are in place, also after a power cut, and nothing intended up to ``number`` is pending any more;
        ``items`` are about to be shown. Both at once, for it costs a wait for the disk. Returns the number by which
        ``items`` are settled."""
        with self._base:
            self._base.execute("BEGIN")
            self._base.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", done)
            # A number is not given twice while a later one is there, and the numbers settled are the oldest.
            new = self._base.execute("INSERT INTO pending VALUES (?)", (json.dumps(items),)).lastrowid if items else 0
            self._base.execute("DELETE FROM pending WHERE rowid <= ?", (number,))
        return new or 0

    def settle(self, done: Iterable[Key], number: int) -> None:
        """As :meth:`advance`, with nothing to follow."""
        self.advance(done, number, ())

    def pending(self) -> tuple[list[Item], int]:
        """What a killed run was about to show, and the number to settle it by."""
        rows = self._base.execute("SELECT item, rowid FROM pending ORDER BY rowid").fetchall()
        items = [Item.read(row) for text, _number in rows for row in _rows(json.loads(text))]
        return items, rows[-1][1] if rows else 0

    def mark(self, name: str) -> str | None:
        """How far an account was read (see ``accounts``)."""
        row = self._base.execute("SELECT value FROM marks WHERE name=?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def marks(self) -> dict[str, str]:
        """All marks."""
        return {str(name): str(value) for name, value in self._base.execute("SELECT name, value FROM marks")}

    def set_marks(self, marks: dict[str, str]) -> None:
        """Remember how far accounts were read."""
        with self._base:
            self._base.execute("BEGIN")
            self._base.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?)", list(marks.items()))


def _rows(told: Any) -> list[Any]:
    """What one line of what is pending holds. Earlier programs wrote one for each item, once with the fields' names."""
    if isinstance(told, dict):
        return [list(told.values())]
    return told if isinstance(told[0], list) else [told]


def key_of(item: Item, where: str) -> Key:
    """An item in one folder."""
    return bytes.fromhex(item.id), _place(item.kind, where)


@lru_cache(maxsize=1024)
def _place(kind: Kind, where: str) -> bytes:
    return hashlib.blake2b(f"{kind.value} {where}".encode("utf-8", "replace"), digest_size=8).digest()
