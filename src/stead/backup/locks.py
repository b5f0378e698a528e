"""Our own locks on a place: one writer at a time; readers may be many, and a pruner must wait for them."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from stead.backup.place import Place
from stead.backup.troubles import PlaceBusy
from stead.words.home import Home


@contextmanager
def writing(home: Home, place: Place, *, wait: float = 600.0) -> Iterator[None]:
    """Hold the place for writing; :class:`PlaceBusy` when another of our programs holds it longer than ``wait``."""
    with _held(home, f"place-{place.name}.lock", fcntl.LOCK_EX, wait, place):
        yield


@contextmanager
def reading(home: Home, place: Place, *, wait: float = 600.0) -> Iterator[None]:
    """Hold the place for reading beside backups; what deletes from a place takes ``alone`` first."""
    with _held(home, f"place-{place.name}.readers", fcntl.LOCK_SH, wait, place):
        yield


@contextmanager
def alone(home: Home, place: Place, *, wait: float = 600.0) -> Iterator[None]:
    """Hold the place with no reader and no other writer in it."""
    with writing(home, place, wait=wait), _held(home, f"place-{place.name}.readers", fcntl.LOCK_EX, wait, place):
        yield


@contextmanager
def _held(home: Home, name: str, how: int, wait: float, place: Place) -> Iterator[None]:
    home.locks.mkdir(parents=True, exist_ok=True)
    handle = os.open(home.locks / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(handle, how | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise PlaceBusy(
                        f"another act is working on the place {place.name}", hint="try again when it is done"
                    ) from None
                time.sleep(0.1)
        yield
    finally:
        os.close(handle)
