"""Items on their way into the services, a thousand at a time: written down as pending, shown, settled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from stead.exchange.helpers import Writer
from stead.exchange.items import SERVICE, Item
from stead.exchange.ledger import Ledger
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
        self._keys: set[tuple[str, str]] = set()
        self._bytes = 0

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
            writer.order({"what": "there", "items": [item.head() for item in asked]})
            there += [item for item, found in zip(asked, writer.answer(), strict=True) if found]
        if pending:
            self._ledger.settle(there)

    def wants(self, item: Item) -> bool:
        """Whether anything of the item is not there yet."""
        if item.elsewhere:
            return not self._ledger.knows_anywhere(item) and not any(key[0] == item.id for key in self._keys)
        return bool(self._missing(item))

    def add(self, item: Item, source: int) -> None:
        """Pass a wanted item on; its content comes from the pipe ``source``."""
        missing = self._missing(item)
        item = replace(item, where=missing[0], also=missing[1:])
        self._writer(SERVICE[item.kind]).add(item, source)
        self._items.append(item)
        self._keys.update((item.id, where) for where in missing)
        self._bytes += item.size
        if len(self._items) >= _MOST_ITEMS or self._bytes >= _MOST_BYTES:
            self.flush()

    def flush(self) -> None:
        """Show what was passed on; after this it is on disk and in the ledger."""
        if not self._items:
            return
        self._ledger.intend(self._items)
        settled, full = [], False
        for service in dict.fromkeys(SERVICE[item.kind] for item in self._items):
            writer = self._writers[service]
            writer.order({"what": "flush"})
            items = [item for item in self._items if SERVICE[item.kind] == service]
            for item, said in zip(items, writer.answer(), strict=True):
                if said in ("added", "known"):
                    settled.append(item)
                    self._report.added(item) if said == "added" else self._report.known(item)
                else:
                    full = full or any(words in str(said) for words in _NO_ROOM)
                    self._report.lost(item.name, item.where, str(said)[:300])
        self._ledger.settle(settled)
        self._items, self._keys, self._bytes = [], set(), 0
        if full:
            raise SteadError(
                "there is no room for more", hint="make room on the disk, then run the same import again: it goes on"
            )

    def _missing(self, item: Item) -> tuple[str, ...]:
        places = dict.fromkeys((item.where, *item.also))
        return tuple(p for p in places if (item.id, p) not in self._keys and not self._ledger.knows(item, p))

    def _writer(self, service: str) -> Writer:
        if service not in self._writers:
            self._writers[service] = Writer(self._data, service, self._user)
        return self._writers[service]
