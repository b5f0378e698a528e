"""Items on their way into the services, a thousand at a time: written down as pending, shown, settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from stead.exchange.helpers import Reader, Writer
from stead.exchange.items import SERVICE, Item
from stead.exchange.ledger import Key, Ledger, key_of
from stead.exchange.report import Report
from stead.words.errors import SteadError

_MOST_ITEMS, _MOST_BYTES = 2000, 128 << 20
_NO_ROOM = ("No space left on device", "Disk quota exceeded")


class Batch:
    """Used as a context; on its end the writers end, and what was not flushed is swept by the next run."""

    def __init__(self, data: Path, user: str, ledger: Ledger, report: Report) -> None:
        self._data = data
        self._user = user
        self._ledger = ledger
        self._report = report
        self._writers: dict[str, Writer] = {}
        self._items: list[Item] = []
        self._under_way: list[Item] = []
        self._keys: set[Key] = set()
        self._keys_before: set[Key] = set()
        self._ids: set[bytes] = set()
        self._bytes = 0
        self._torn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers.values():
            writer.close()

    def take_up(self) -> None:
        """Find out what became of what a killed run was about to show."""
        pending = self._ledger.pending()
        there: list[Item] = []
        for service in {SERVICE[item.kind] for item in pending}:
            asked = [item for item in pending if SERVICE[item.kind] == service]
            writer = self._writer(service)
            writer.order({"what": "there", "items": [item.row() for item in asked]})
            there += [item for item, found in zip(asked, writer.answer(), strict=True) if found]
        if pending:
            self._ledger.settle(there)

    def take(self, items: Sequence[Item]) -> list[Item | None]:
        """Each item with the folders it is not in yet, though it should be; None: it is not wanted."""
        known = self._ledger.known(items)
        return [self._wanted(item, known) for item in items]

    def _wanted(self, item: Item, known: set[Key]) -> Item | None:
        identity = bytes.fromhex(item.id)
        if item.elsewhere and (identity in self._ids or any(key[0] == identity for key in known)):
            return None
        places = {where: key_of(item, where) for where in (item.where, *item.also)}
        missing = {
            where: key
            for where, key in places.items()
            if key not in known and key not in self._keys and key not in self._keys_before
        }
        if not missing:
            return None
        self._keys.update(missing.values())
        self._ids.add(identity)
        first, *others = missing
        return replace(item, where=first, also=tuple(others)) if len(missing) < len(places) else item

    def add(self, items: Sequence[Item], reader: Reader) -> None:
        """Pass on taken items of one kind; EOFError when the content of one ends too early."""
        writer = self._writer(SERVICE[items[0].kind])
        writer.begin(items)
        for item in items:
            try:
                writer.take(item, reader)
            except EOFError:
                self._torn = True
                raise
            self._items.append(item)
            self._bytes += item.size
        if len(self._items) >= _MOST_ITEMS or self._bytes >= _MOST_BYTES:
            self._next()

    def flush(self) -> None:
        """Show what was passed on; after this it is on disk and in the ledger."""
        if not self._torn:  # else the writer waits for the rest of an item: the next run brings this batch again
            self._next()
        self._settle()

    def _next(self) -> None:
        """Have this batch shown while the next one is taken; the one before it must be settled first."""
        self._settle()
        if not self._items:
            return
        self._ledger.intend(self._items)
        for service in _services(self._items):
            self._writers[service].order({"what": "flush"})
        self._under_way, self._items, self._bytes = self._items, [], 0
        self._keys_before, self._keys = self._keys, set()

    def _settle(self) -> None:
        """Hear what became of the batch under way, and write it down."""
        if not self._under_way:
            return
        settled, full = [], False
        for service in _services(self._under_way):
            items = [item for item in self._under_way if SERVICE[item.kind] == service]
            for item, said in zip(items, self._writers[service].answer(), strict=True):
                if said in ("added", "known"):
                    settled.append(item)
                    self._report.added(item) if said == "added" else self._report.known(item)
                else:
                    full = full or any(words in str(said) for words in _NO_ROOM)
                    self._report.lost(item.name, item.where, str(said)[:300])
        self._ledger.settle(settled)
        self._under_way, self._keys_before = [], set()
        self._ids = {key[0] for key in self._keys}
        if full:
            raise SteadError(
                "there is no room for more", hint="make room on the disk, then run the same import again: it goes on"
            )

    def _writer(self, service: str) -> Writer:
        if service not in self._writers:
            self._writers[service] = Writer(self._data, service, self._user)
        return self._writers[service]


def _services(items: list[Item]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(SERVICE[item.kind] for item in items))
