"""Our own locks on a place: one writer at a time; readers may be many, and a pruner must wait for them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from stead.backup.place import Place
from stead.backup.troubles import PlaceBusy
from stead.run import lock
from stead.words.home import Home


@contextmanager
def writing(home: Home, place: Place, *, wait: float = 600.0) -> Iterator[None]:
    """Hold the place for writing; :class:`PlaceBusy` when another of our programs holds it longer than ``wait``."""
    with _held(home, f"place-{place.name}.lock", wait, place):
        yield


def busy(home: Home, place: str) -> bool:
    """Whether one of our programs is writing into the place, or removing something from it, just now."""
    # Shared, so that two who ask are not in each other's way.
    handle = lock(home.locks / f"place-{place}.lock", shared=True)
    if handle is not None:
        os.close(handle)
    return handle is None


@contextmanager
def reading(home: Home, place: Place, *, wait: float = 600.0) -> Iterator[None]:
    """Hold the place for reading beside backups; what deletes from a place takes ``alone`` first."""
    with _held(home, f"place-{place.name}.readers", wait, place, shared=True):
        yield


@contextmanager
def alone(home: Home, place: Place, *, wait: float = 600.0) -> Iterator[None]:
    """Hold the place with no reader and no other writer in it."""
    with writing(home, place, wait=wait), _held(home, f"place-{place.name}.readers", wait, place):
        yield


@contextmanager
def _held(home: Home, name: str, wait: float, place: Place, *, shared: bool = False) -> Iterator[None]:
    handle = lock(home.locks / name, wait=wait, shared=shared)
    if handle is None:
        raise PlaceBusy(f"another act is working on the place {place.name}", hint="try again when it is done")
    try:
        yield
    finally:
        os.close(handle)
