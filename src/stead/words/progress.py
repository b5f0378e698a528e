"""How long work tells what it does: named steps, each with its time. The command line prints them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """Receives the steps of a long act."""

    def step(self, words: str, *, expected: float | None = None) -> AbstractContextManager[None]:
        """Open a step described by ``words``; ``expected`` seconds it will take, if measured before."""
        ...

    def say(self, words: str) -> None:
        """One remark inside the current step."""
        ...


class Silent:
    """A progress that says nothing."""

    @contextmanager
    def step(self, words: str, *, expected: float | None = None) -> Iterator[None]:
        """Do nothing around the step."""
        yield

    def say(self, words: str) -> None:
        """Say nothing."""
