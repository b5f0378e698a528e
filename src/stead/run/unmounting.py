"""Taking mounts away: as it should be where that works, and lazily where somebody still holds on."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from stead.run.kernel import mount_points
from stead.run.process import CommandError, run
from stead.words.errors import SteadError

_LAZILY_WITHIN = 10.0


def mounted(point: Path) -> bool:
    """Whether something is mounted at ``point``; asks the kernel's list, which a dead mount cannot block."""
    return any(where == point.absolute() for where, _kind in mount_points())


def mounts_below(folder: Path) -> list[Path]:
    """Where something is mounted inside ``folder``."""
    return [point for point, _kind in mount_points() if folder in point.parents]


def unmount(point: Path, *, patience: float = 0.0) -> None:
    """Unmount all that is mounted at ``point``; nothing there is fine, SteadError if it stays.

    Whoever still has a file in it gets ``patience`` seconds, and then keeps it without the mount (lazily).
    """
    began = time.monotonic()
    tried = False
    while mounted(point):
        waited = time.monotonic() - began
        if waited > patience + _LAZILY_WITHIN:
            raise SteadError(f"{point} is still mounted", hint=f"umount --lazy {point}")
        lazily = tried and waited >= patience
        with suppress(CommandError):
            run(["umount", *(("--lazy",) if lazily else ()), point], timeout=30)
        if tried and mounted(point):
            time.sleep(0.1)
        tried = True
