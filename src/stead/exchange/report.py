"""What came over, what was there already, and, line by line in a file that is kept, what did not come over and why."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from stead.exchange.items import Item, Kind
from stead.words.home import Home
from stead.words.quantities import say_time

#: Reports lie here, below a home's lib folder.
FOLDER = "imports"
_WHEN = "%Y-%m-%dT%H%M%S.%fZ"
_SHOWN, _REASONS = 1000, 100


@dataclass
class Report:
    """The outcome of one import; ``file`` has a line of JSON for everything that did not come over."""

    user: str
    file: Path
    _out: IO[str]
    added_by: Counter[Kind] = field(default_factory=Counter)
    known_by: Counter[Kind] = field(default_factory=Counter)
    missing: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    shown: list[dict[str, str]] = field(default_factory=list)
    size: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    @contextmanager
    def open(cls, home: Home, user: str) -> Iterator[Report]:
        """A new report of an import for ``user``; its file is only root's to read."""
        folder = home.lib / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / f"{datetime.now(UTC):{_WHEN}}-{user}.jsonl"
        with file.open("x") as out:
            yield cls(user, file, out)

    @property
    def count(self) -> int:
        """How many items were looked at so far."""
        return self.added_by.total() + self.known_by.total() + self.missing

    def added(self, item: Item) -> None:
        """It came over."""
        self.added_by[item.kind] += 1
        self.size += item.size

    def known(self, item: Item) -> None:
        """It was there already."""
        self.known_by[item.kind] += 1

    def lost(self, name: str, where: str, why: str) -> None:
        """It did not come over. (The thread that hands files over says this, too.)"""
        row = {"what": _plain(name), "where": _plain(where), "why": _plain(why)}
        with self._lock:
            self.missing += 1
            reason = why.partition(":")[0]
            if reason in self.reasons or len(self.reasons) < _REASONS:
                self.reasons[reason] += 1
            if len(self.shown) < _SHOWN:
                self.shown.append(row)
            self._out.write(json.dumps(row, ensure_ascii=False) + "\n")

    def finished(self) -> Report:
        """Write the whole outcome beside the lines."""
        self._out.flush()
        self.file.with_suffix(".json").write_text(json.dumps(self.told(), indent=1, ensure_ascii=False) + "\n")
        return self

    def told(self) -> dict[str, object]:
        """As JSON carries it."""
        return {
            "schema": 1,
            "user": self.user,
            "at": say_time(datetime.now(UTC)),
            "added": _counts(self.added_by),
            "known": _counts(self.known_by),
            "bytes": self.size,
            "not_over": self.missing,
            "reasons": dict(self.reasons.most_common()),
            "items_not_over": self.shown,
            "report": str(self.file),
        }


def newest_begun(home: Home, user: str) -> datetime | None:
    """When the newest import for ``user`` began, if its report was never finished; None: it was, or there is none."""
    begun = sorted((home.lib / FOLDER).glob(f"????-??-??T*.??????Z-{user}.jsonl"))
    if not begun or begun[-1].with_suffix(".json").exists():
        return None
    return datetime.strptime(begun[-1].name.removesuffix(f"-{user}.jsonl"), _WHEN).replace(tzinfo=UTC)


#: What each kind is called in a report.
NAMES = {Kind.MAIL: "messages", Kind.ENTRY: "entries", Kind.CARD: "contacts", Kind.FILE: "files"}


def _counts(counter: Counter[Kind]) -> dict[str, int]:
    return {NAMES[kind]: counter[kind] for kind in Kind}


def _plain(text: str) -> str:
    """Hostile names are shown without control characters."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
