"""Items on their way into the services, thousands at a time: written down as pending, shown, settled.

A writer brings a whole file system to disk before it shows anything. So the names of one batch are safe when the next
one has been shown, and only then it is settled.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stead.exchange.helpers import Reader, Writers
from stead.exchange.items import SERVICE, Item
from stead.exchange.ledger import Key, Ledger, key_of
from stead.exchange.report import Report
from stead.exchange.writing import sync_all
from stead.words.errors import SteadError

_MOST_ITEMS, _MOST_BYTES = 5000, 256 << 20
#: Seconds after which what was taken must be seen, though all of it together would be quicker.
_END_AFTER = 300
_NO_ROOM = ("No space left on device", "Disk quota exceeded")


@dataclass
class _Lot:
    """Items that go the way together. ``keys``: what they are and where; ``number``: the ledger's, once it has them."""

    items: list[Item] = field(default_factory=list)
    keys: set[Key] = field(default_factory=set)
    size: int = 0
    number: int = 0


class Batch:
    """One import's way into an account of ``data``."""

    def __init__(self, data: Path, ledger: Ledger, writers: Writers, report: Report) -> None:
        self._data = data
        self._ledger = ledger
        self._writers = writers
        self._report = report
        # Being taken; being shown; in place, and waiting for the next batch to be.
        self._new, self._under_way, self._shown = _Lot(), _Lot(), _Lot()
        self._ids: set[bytes] = set()
        self._torn = False
        self._ended = time.monotonic()

    def take(self, items: Sequence[Item]) -> list[Item | None]:
        """Each item with the folders it is not in yet, though it should be; None: it is not wanted."""
        known = self._ledger.known(items)
        return [self._wanted(item, known) for item in items]

    def _wanted(self, item: Item, known: set[Key]) -> Item | None:
        identity = bytes.fromhex(item.id)
        if item.elsewhere and (identity in self._ids or any(key[0] == identity for key in known)):
            return None
        places = {where: key_of(item, where) for where in (item.where, *item.also)}
        missing = {where: key for where, key in places.items() if key not in known and not self._is_on_its_way(key)}
        if not missing:
            return None
        self._new.keys.update(missing.values())
        self._ids.add(identity)
        first, *others = missing
        return item._replace(where=first, also=tuple(others)) if len(missing) < len(places) else item

    def _is_on_its_way(self, key: Key) -> bool:
        return key in self._new.keys or key in self._under_way.keys or key in self._shown.keys

    def add(self, items: Sequence[Item], reader: Reader) -> None:
        """Pass on taken items of one kind; EOFError when the content of one ends too early."""
        try:
            self._writers.of(SERVICE[items[0].kind]).pass_on(items, reader)
        except EOFError:
            self._torn = True
            raise
        self._new.items += items
        self._new.size += sum(item.size for item in items)
        if len(self._new.items) >= _MOST_ITEMS or self._new.size >= _MOST_BYTES:
            self._next()
            if time.monotonic() - self._ended > _END_AFTER:
                self.flush()

    def flush(self) -> None:
        """Show what was passed on; after this it is on disk and in the ledger."""
        if self._torn:
            # The writer waits for the rest of an item, until it is closed: the next run finds out and goes on.
            self._written_down(self._heard())
            return
        self._next()
        before = self._heard()
        for writer in self._writers.running():
            writer.order({"what": "end"})
            writer.answer()
        self._ended = time.monotonic()
        if self._shown.number:
            sync_all(self._data)
            self._shown.keys |= before.keys
            self._written_down(self._shown)
            self._shown = _Lot()

    def _next(self) -> None:
        """Have this batch shown while the next one is taken; the one before it must be heard of first."""
        before = self._heard()
        if not self._new.items:
            self._written_down(before)
            return
        self._new.number = self._ledger.advance(before.keys, before.number, self._new.items)
        for service in services(self._new.items):
            self._writers.of(service).order({"what": "flush"})
        self._under_way, self._new = self._new, _Lot()

    def _heard(self) -> _Lot:
        """Hear what became of the batch under way. Returns the one before it: all its names are on disk now."""
        if not self._under_way.items:
            return _Lot()
        heard, self._under_way = self._under_way, _Lot()
        full = False
        for service in services(heard.items):
            items = [item for item in heard.items if SERVICE[item.kind] == service]
            for item, said in zip(items, self._writers.of(service).answer(), strict=True):
                if said == "added":
                    self._report.added(item)
                elif said == "known":
                    self._report.known(item)
                else:
                    heard.keys.difference_update(key_of(item, where) for where in (item.where, *item.also))
                    full = full or any(words in str(said) for words in _NO_ROOM)
                    self._report.lost(item.name, item.where, str(said)[:300])
        before, self._shown = self._shown, heard
        self._ids = {key[0] for lot in (self._new, heard) for key in lot.keys}
        if full:
            self._written_down(before)
            raise SteadError(
                "there is no room for more", hint="make room on the disk, then run the same import again: it goes on"
            )
        return before

    def _written_down(self, lot: _Lot) -> None:
        if lot.number:
            self._ledger.settle(lot.keys, lot.number)


def services(items: Sequence[Item]) -> tuple[str, ...]:
    """Those that keep these items."""
    return tuple(dict.fromkeys(SERVICE[item.kind] for item in items))
