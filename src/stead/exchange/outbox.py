"""The reader's side of its pipe: items that lie ready in the file are told many at a time, all others one by one."""

from __future__ import annotations

from typing import Any

from stead.exchange.items import Item, send, write_all

_TOGETHER, _TOGETHER_BYTES = 100, 32 << 20


class Outbox:
    """Everything goes out in the order it was put in."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._lying: list[Item] = []
        self._bytes = 0

    def note(self, head: dict[str, Any]) -> None:
        """Something that is no item."""
        self._tell_lying()
        send(self._handle, head)

    def item(self, item: Item, content: bytes | memoryview = b"") -> None:
        """An item, and its content unless that lies in the file; what is missing of it follows by :meth:`more`."""
        if item.at >= 0:
            self._lying.append(item)
            self._bytes += item.size
            if len(self._lying) >= _TOGETHER or self._bytes >= _TOGETHER_BYTES:
                self._tell_lying()
            return
        self._tell_lying()
        send(self._handle, {"items": [item]}, content)

    def more(self, piece: bytes) -> None:
        """The next bytes of the item that was put in last."""
        write_all(self._handle, piece)

    def _tell_lying(self) -> None:
        lying, self._lying, self._bytes = self._lying, [], 0
        if lying:
            send(self._handle, {"items": lying})
