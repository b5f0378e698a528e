"""Homes for tests: short paths, and taken apart so that nothing is left, which is itself a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path

from stead import live
from stead.words.home import Home
from stead.words.progress import Silent
from tests.rig.leftovers import leftovers

NewHome = Callable[[], AbstractContextManager[Home]]


def new_home(parent: Path) -> NewHome:
    """A maker of homes under ``parent``."""
    numbers = count()

    @contextmanager
    def make() -> Iterator[Home]:
        folder = parent / str(next(numbers))
        folder.mkdir(parents=True)
        home = Home.at(folder)
        try:
            yield home
        finally:
            live.down(home, Silent())
        left = leftovers(folder)
        assert not left, "\n".join(("the home was taken down, and this is left:", *left))

    return make
