"""How big the data image may be, and growing it before it is full. The host's last tenth of disk is never taken."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stead.data import loop
from stead.data.mounts import mount_at
from stead.run import run
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.quantities import say_size, say_time
from stead.words.verdict import Finding, Severity

GB = 1000**3
#: The image is sparse, so size costs nothing; it must be ahead of one big upload between two looks at it.
FIRST_SIZE = 32 * GB
_MODEST = 4 * GB
SMALLEST = GB // 2
_LEAST_STEP = GB // 4
_LOW = 0.25
_VERY_LOW = 0.08
_WANTED_FREE = 0.5


@dataclass(frozen=True)
class Grown:
    """The image was enlarged, from ``before`` to ``after`` bytes."""

    before: int
    after: int


def reserve(folder: Path) -> int:
    """Bytes of the disk under ``folder`` that Stead leaves to the host: a tenth, and never less than 2 GB."""
    disk = os.statvfs(folder)
    return max(disk.f_blocks * disk.f_frsize // 10, 2 * GB)


def spare(folder: Path) -> int:
    """Bytes that may still be taken from the disk under ``folder`` (negative: the reserve is already touched)."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize - reserve(folder)


def first_size(folder: Path) -> int:
    """The first size of the data image: 32 GB, at most half of what may be taken, or what fits if that is little.

    SteadError when not even half a GB fits.
    """
    room = spare(folder)
    if room < SMALLEST:
        raise SteadError(
            f"the disk under {folder} has too little room for data: {say_size(SMALLEST - room)} more are needed "
            f"({say_size(SMALLEST)} for data, {say_size(reserve(folder))} stay with the computer)",
            hint="free some space, or name a folder on a bigger btrfs disk in the settings",
        )
    return min(FIRST_SIZE, max(room // 2, min(room, _MODEST)))


def free_share(home: Home) -> float:
    """The share of data's file system that is free, 0 to 1."""
    disk = os.statvfs(home.data_mount)
    return disk.f_bavail / disk.f_blocks if disk.f_blocks else 0.0


def promised(image: Path) -> int:
    """Bytes a sparse image may still demand of the host's disk without growing."""
    file = image.stat()
    return max(0, file.st_size - file.st_blocks * 512)


def to_spare(home: Home, folder: Path) -> int:
    """Bytes of the disk under ``folder`` that may be taken for a while (negative: none): all but the host's reserve
    and what the data image, if it lies on that disk, may still demand."""
    image = home.data_image
    same = image.exists() and image.stat().st_dev == folder.stat().st_dev
    return spare(folder) - (promised(image) if same else 0)


def grow_if_needed(home: Home) -> Grown | Finding | None:
    """Enlarge the image when less than a quarter of it is free and the host's disk has room.

    Returns what was done, None when nothing was needed, or a finding when there is no room to grow into.
    """
    try:
        free = free_share(home)
    except FileNotFoundError:
        # Data is not there at all: other findings say that.
        return None
    if free >= _LOW:
        return None
    mounted = mount_at(home.data_mount)
    device = loop.attached(home.data_image) if home.data_image.exists() else None
    if mounted is None or device is None or mounted.source != device:
        return _no_room(free, "it is your own disk, which only you can enlarge")
    before = home.data_image.stat().st_size
    used = before * (1 - free)
    wanted = max(int(used / (1 - _WANTED_FREE)) - before, _LEAST_STEP)
    step = min(wanted, to_spare(home, home.data_image.parent))
    if step < _LEAST_STEP:
        return _no_room(free, f"the disk under {home.data_image.parent} has no room left for it")
    after = (before + step) // 4096 * 4096
    os.truncate(home.data_image, after)
    loop.refresh_size(device)
    run(["btrfs", "filesystem", "resize", "max", home.data_mount], timeout=120)
    return Grown(before, after)


def _no_room(free: float, why: str) -> Finding:
    return Finding(
        id="data-no-room",
        severity=Severity.ALARM if free < _VERY_LOW else Severity.WARNING,
        what=f"only {free:.0%} of the room for data is free, and {why}",
        since=say_time(datetime.now(UTC)),
        next="free space on that disk, delete what is no longer needed, or move data to a bigger disk",
    )
