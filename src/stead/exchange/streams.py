"""Reading what lies in a file or an archive: once more from its beginning, and whole within bounds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import IO

from stead.exchange.letters import Broken


def chain_read(head: bytes, stream: IO[bytes]) -> Callable[[int], bytes]:
    """A read function that gives ``head`` once more before the rest of ``stream``."""
    first = chain([head], ())

    def read(size: int) -> bytes:
        return next(first, b"") or stream.read(size)

    return read


def chain_readinto(head: bytes, stream: IO[bytes]) -> Callable[[memoryview], int]:
    """Like :func:`chain_read`, into memory that is there and has room for ``head``."""
    first = chain([head], ())

    def readinto(target: memoryview) -> int:
        piece = next(first, b"")
        target[: len(piece)] = piece
        return len(piece) or stream.readinto(target) or 0  # type: ignore[attr-defined]

    return readinto


def whole(read: Callable[[int], bytes], longest: int) -> bytes:
    """Everything, if it is not too long."""
    pieces, size = [], 0
    while piece := read(1 << 20):
        size += len(piece)
        if size > longest:
            raise Broken(f"it is longer than {longest // 1_000_000} MB")
        pieces.append(piece)
    return b"".join(pieces)
