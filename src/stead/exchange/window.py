"""A piece of a long file in memory: the same memory for every piece, so that it stays in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable

#: Small enough for the cache; more only while one message is longer.
_PIECE = 1 << 18


class Window:
    """``bytes`` up to ``end`` are good; the first of them is number ``base`` of the file."""

    def __init__(self, readinto: Callable[[memoryview], int | None]) -> None:
        self._readinto = readinto
        self.bytes = bytearray(2 * _PIECE)
        self.base = 0
        self.end = 0

    def more(self) -> bool:
        """Read on; whether there was more. Of a long message as much again as is held, so it is not moved often."""
        wanted = self.end + max(_PIECE, self.end)
        if wanted > len(self.bytes):
            # What was shown of the old memory stays good.
            held = self.bytes[: self.end]
            self.bytes = bytearray(wanted)
            self.bytes[: self.end] = held
        read = self._readinto(memoryview(self.bytes)[self.end : wanted]) or 0
        self.end += read
        return bool(read)

    def let_go(self, start: int) -> None:
        """Forget what lies before ``start``: what follows moves to the front."""
        if start:
            kept = self.bytes[start : self.end]
            if len(self.bytes) > 2 * _PIECE > 2 * len(kept):
                self.bytes = bytearray(2 * _PIECE)
            self.bytes[: len(kept)] = kept
            self.base += start
            self.end = len(kept)

    def view(self, start: int, end: int) -> memoryview:
        """These bytes, good until the next call of :meth:`let_go`."""
        return memoryview(self.bytes)[start:end]
