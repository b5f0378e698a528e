"""Half-made releases: how one is recognised, and removed once nobody works on it any more."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stead.run import mounts_below
from stead.words.errors import SteadError

_BUILDING, _REMOVING = ".building-", ".removing-"


@contextmanager
def building_folder(store: Path) -> Iterator[Path]:
    """A folder to build in, held by a lock on it that dies with us; removed at the end unless it was renamed."""
    with _gate(store):
        folder = store / f"{_BUILDING}{secrets.token_hex(4)}"
        folder.mkdir(mode=0o755)
        held = _lock(folder)
    try:
        yield folder
    finally:
        if folder.exists():
            _remove(folder)
        if held is not None:
            os.close(held)


def remove_half_made(store: Path) -> None:
    """Remove what builds and removals left that were cut short. One that is still being worked on stays."""
    with _gate(store):
        for folder in store.iterdir():
            if folder.name.startswith(_REMOVING):
                _remove(folder)
            elif folder.name.startswith(_BUILDING) and (held := _lock(folder)) is not None:
                _remove(folder)
                os.close(held)


def remove_release(folder: Path) -> None:
    """Remove a release: first its name, in one step, then its files."""
    doomed = folder.with_name(f"{_REMOVING}{folder.name}")
    folder.rename(doomed)
    _remove(doomed)


def _lock(folder: Path) -> int | None:
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        return None
    return held


@contextmanager
def _gate(store: Path) -> Iterator[None]:
    """Between making a folder and locking it nobody else may look at it."""
    held = os.open(store, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _remove(folder: Path) -> None:
    if inside := mounts_below(folder):
        raise SteadError(f"{folder} cannot be removed: {inside[0]} is mounted in it", hint=f"umount {inside[0]}")
    shutil.rmtree(folder)
