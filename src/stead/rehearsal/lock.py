"""One act of a kind at a time in a home."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from stead.run import lock
from stead.words.errors import SteadError
from stead.words.home import Home


class Busy(SteadError):
    """Another process does this just now."""


@contextmanager
def held(home: Home, name: str, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock ``name`` of this home; Busy when another process holds it for more than ``wait`` seconds."""
    handle = lock(home.locks / name, wait=wait)
    if handle is None:
        raise Busy(f"another {name} of this home is under way", hint="wait for it to end, then run the command again")
    try:
        yield
    finally:
        os.close(handle)
