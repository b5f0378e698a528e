"""What is too much for one order or for memory, in portions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

Thing = TypeVar("Thing")


def portions(sized: Iterable[tuple[Thing, int]], most: int) -> Iterator[list[Thing]]:
    """Things, each with its size, in their order, as lists of at most ``most`` together; a larger one is by itself."""
    waiting: list[Thing] = []
    size = 0
    for thing, length in sized:
        if waiting and size + length > most:
            yield waiting
            waiting, size = [], 0
        waiting.append(thing)
        size += length
    if waiting:
        yield waiting
