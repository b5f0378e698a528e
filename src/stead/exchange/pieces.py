"""The content of an item as a writer gets it: on the pipe, or lying in a file that it may read."""

from __future__ import annotations

import os

from stead.exchange.items import read_exactly
from stead.exchange.letters import Broken

_PIECE = 1 << 20


class Pieces:
    """The content of one item on standard input, piece by piece; it must be read to its end."""

    def __init__(self, handle: int, size: int) -> None:
        self._handle = handle
        self._left = size

    def read(self) -> bytes:
        """The next piece; b"" at the end."""
        piece = read_exactly(self._handle, min(self._left, _PIECE))
        self._left -= len(piece)
        return piece

    def whole(self) -> bytes:
        """All that is left."""
        content = read_exactly(self._handle, self._left)
        self._left = 0
        return content

    def into(self, handle: int) -> None:
        """Move all that is left into a file, inside the kernel."""
        left, self._left = self._left, 0
        try:
            while left:
                moved = os.splice(self._handle, handle, left)
                if not moved:
                    raise EOFError("the broker ended in the middle of an item")
                left -= moved
        except OSError:
            self._left = left
            raise

    def skip(self) -> None:
        """Read the rest and forget it."""
        while self.read():
            pass


class Lying(Pieces):
    """The content of one item that lies in a file. Broken when the file ends too early."""

    def __init__(self, file: int, at: int, size: int) -> None:
        super().__init__(file, size)
        self._at = at

    def read(self) -> bytes:
        """The next piece; b"" at the end."""
        piece = os.pread(self._handle, min(self._left, _PIECE), self._at)
        self._moved(len(piece))
        return piece

    def whole(self) -> bytes:
        """All that is left."""
        return b"".join(iter(self.read, b""))

    def into(self, handle: int) -> None:
        """Move all that is left into a file, inside the kernel."""
        while self._left:
            self._moved(os.sendfile(handle, self._handle, self._at, self._left))

    def skip(self) -> None:
        """Nothing waits to be read."""

    def _moved(self, size: int) -> None:
        if self._left and not size:
            raise Broken("its file became shorter while it was read")
        self._at += size
        self._left -= size
