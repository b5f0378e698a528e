"""A file system for what is only looked at and thrown away: however many files it holds, it is gone at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stead.data import loop
from stead.data.mounts import require_btrfs
from stead.run import run, unmount
from stead.words.errors import UnprovenError
from stead.words.quantities import say_size

_IMAGE, _POINT = "disk.img", "disk"
_LET_GO_WITHIN = 5.0
_OPTIONS = "noexec,nosuid,nodev,noatime"


@contextmanager
def scratch(folder: Path, size: int) -> Iterator[Path]:
    """An empty file system of ``size`` bytes in ``folder`` (which is there) while the context lasts.

    Its room is taken at once, so that the disk below cannot be full before it is itself; UnprovenError when there is
    not so much.
    """
    require_btrfs()
    image, point = folder / _IMAGE, folder / _POINT
    try:
        _take_room(image, size)
        # Nothing in it has to outlive a power cut or a bad sector: one copy of everything.
        run(["mkfs.btrfs", "--quiet", "--data", "single", "--metadata", "single", image], timeout=120)
        point.mkdir(mode=0o700)
        device, _ = loop.attach(image)
        try:
            run(["mount", "-t", "btrfs", "-o", _OPTIONS, device, point], timeout=120)
        finally:
            # It goes with its mount, whoever takes that away.
            loop.detach(device)
        yield point
    finally:
        drop_scratch(folder)


def _take_room(image: Path, size: int) -> None:
    with image.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as refused:
            raise UnprovenError(
                f"{say_size(size)} could not be had of the disk under {image.parent}: {refused.strerror}",
                hint="free some space on this computer",
            ) from None


def drop_scratch(folder: Path) -> None:
    """Take away the file system in ``folder``, also one that a killed program left half made. None there is fine."""
    image, point = folder / _IMAGE, folder / _POINT
    # What a killed drill started may hold it for a moment more; who does so longer keeps nothing that is wanted.
    unmount(point, patience=_LET_GO_WITHIN)
    loop.let_go(image)
    image.unlink(missing_ok=True)
    if point.exists():
        point.rmdir()
