"""Which physical disks lie under a folder: a place on data's own disk does not survive that disk."""

from __future__ import annotations

import os
from pathlib import Path

from stead.backup.place import Kind, kind_of
from stead.words.home import Home

_BLOCK = Path("/sys/dev/block")


def same_disk(home: Home, url: str) -> bool:
    """Whether the place at ``url`` lies on a disk that data lies on, too (partitions of one disk are one disk)."""
    if kind_of(url) is not Kind.FOLDER:
        return False
    data = home.data_image if home.data_image.exists() else home.data_mount
    return bool(disks_under(Path(url.removeprefix("local:"))) & disks_under(data))


def disks_under(path: Path) -> frozenset[str]:
    """Names of the disks under a path (or under its nearest folder that exists)."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    number = os.stat(path).st_dev
    source = _source(path.resolve())
    if source.startswith("/dev/") and os.path.exists(source):
        number = os.stat(source).st_rdev
    elif not (_BLOCK / f"{os.major(number)}:{os.minor(number)}").exists():
        return frozenset([f"{source}#{number}"])
    return _physical(number)


def _physical(number: int) -> frozenset[str]:
    device = (_BLOCK / f"{os.major(number)}:{os.minor(number)}").resolve()
    if (device / "partition").exists():
        device = device.parent
    backing = device / "loop/backing_file"
    if backing.exists():
        return disks_under(Path(backing.read_text().strip()))
    below = [(slave / "dev").read_text().strip() for slave in (device / "slaves").glob("*")]
    if not below:
        return frozenset([device.name])
    return frozenset().union(*(_physical(os.makedev(*map(int, dev.split(":")))) for dev in below))


def _source(path: Path) -> str:
    """The device or server mounted over the longest part of ``path``."""
    best, found = "", ""
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        left, _, right = line.partition(" - ")
        point = left.split(" ")[4].replace("\\040", " ")
        inside = str(path) == point or str(path).startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, found = point, right.split(" ")[1]
    return found
