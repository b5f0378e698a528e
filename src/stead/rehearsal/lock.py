"""One act of a kind at a time: flock on a file of the home, let go by the kernel when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from stead.words.errors import SteadError
from stead.words.home import Home


@contextmanager
def held(home: Home, name: str, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock ``name`` of this home; SteadError when another process holds it for more than ``wait`` seconds."""
    home.locks.mkdir(parents=True, exist_ok=True)
    handle = os.open(home.locks / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(handle, name, time.monotonic() + wait)
        yield
    finally:
        os.close(handle)


def _take(handle: int, name: str, until: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                raise SteadError(
                    f"another {name} of this home is under way", hint="wait for it to end, then run the command again"
                ) from None
            time.sleep(0.1)
