"""Where a rehearsal's pieces lie while it runs: one folder under ``rehearsals``, and a writable layer over its data."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stead import machine
from stead.backup import NoDisk
from stead.data import drop_scratch, mount_overlay, scratch, to_spare
from stead.run import lock, mounts_below, unmount
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.quantities import say_size

#: Bytes a rehearsal may write beside its data: logs, queues, indexes of what is read. With less, it proves nothing.
ROOM = 64 << 20
#: With less than this left, whatever went wrong says something about this computer and nothing about the backup.
FULL = 1 << 20
_RESTORED = "full-"
#: What a restored file takes beside its content (a begun block, its name and facts), and a file system's own.
_PER_FILE, _MORE, _AT_LEAST = 8192, 1.1, 512 << 20


def base(home: Home) -> Path:
    """The folder that holds the folders of rehearsals under way."""
    return home.lib / "rehearsals"


def require_room(home: Home, least: int = ROOM) -> None:
    """:class:`NoDisk` when fewer than ``least`` bytes are free: a machine that cannot write proves nothing."""
    base(home).mkdir(parents=True, mode=0o700, exist_ok=True)
    for where in (base(home), home.run):
        disk = os.statvfs(where)
        free = disk.f_bavail * disk.f_frsize
        if free < least:
            raise NoDisk(
                f"a rehearsal needs {say_size(ROOM)} and the disk under {where} has {say_size(free)} free",
                hint="free some space on this computer, then: stead drill",
            )


@contextmanager
def folder(home: Home, name: str) -> Iterator[Path]:
    """The rehearsal's folder; its machine is stopped and everything in it removed at the end."""
    path = base(home) / name
    path.mkdir(parents=True, mode=0o700)
    try:
        yield path
    finally:
        machine.stop(home, name)
        remove(path)


@contextmanager
def restored_folder(home: Home, name: str, *, files: int, size: int) -> Iterator[Path]:
    """A folder with room for so many files and bytes, for what a full drill restores, which may take hours: no other
    drill sweeps it away meanwhile. :class:`NoDisk` when this computer's disk has not that much to spare.

    Call it under the lock ``full-drill``; what a killed one left goes first.
    """
    _sweep_restored(home)
    path = base(home) / f"{_RESTORED}{name}"
    path.mkdir(parents=True, mode=0o700)
    try:
        needed = int((size + files * _PER_FILE) * _MORE) + _AT_LEAST
        free = to_spare(home, path)
        if needed > free:
            raise NoDisk(
                f"the restore needs {say_size(needed)} and the disk under {base(home)} has {say_size(max(free, 0))} to "
                f"spare: the rest is kept for this computer and for data to grow into",
                hint="free some space on this computer; the hourly drills need none of it",
            )
        with scratch(path, needed) as inside:
            yield inside
    finally:
        remove(path)


def _sweep_restored(home: Home) -> None:
    for path in base(home).glob(f"{_RESTORED}*"):
        drop_scratch(path)
        remove(path)


@contextmanager
def overlay(path: Path, data: Path) -> Iterator[Path]:
    """``data`` as a tree that can be written: what is written goes into a layer that is thrown away."""
    for part in ("upper", "work", "data"):
        (path / part).mkdir()
    shutil.copystat(data, path / "upper")
    target = path / "data"
    mount_overlay(f"stead-{path.name}", data, path, target)
    try:
        yield target
    finally:
        unmount(target)


def sweep(home: Home) -> tuple[str, ...]:
    """Remove what killed rehearsals left: machines, mounts, folders. Returns their names. Call it under their lock."""
    found = tuple(path.name for path in base(home).glob("r-*")) if base(home).is_dir() else ()
    for name in found:
        machine.stop(home, name)
        remove(base(home) / name)
    alone = lock(home.locks / "full-drill")
    if alone is not None:
        _sweep_restored(home)
        os.close(alone)
    return found


def remove(path: Path) -> None:
    """Unmount what is mounted below a rehearsal's folder, then remove the folder."""
    for point in sorted(mounts_below(path), key=lambda point: len(point.parts), reverse=True):
        unmount(point)
    if mounts_below(path):
        raise SteadError(f"something is still mounted below {path}", hint=f"umount --lazy {path}/*")
    shutil.rmtree(path, ignore_errors=False)
