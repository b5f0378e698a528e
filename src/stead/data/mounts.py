"""What is mounted where, and which kernel has btrfs: read from /proc, never guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stead.run import CommandError, run
from stead.words.errors import SteadError

_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """One line of /proc/self/mountinfo."""

    point: Path
    kind: str
    source: str
    options: frozenset[str]

    @property
    def writable(self) -> bool:
        """Whether both the mount and the file system under it accept writes."""
        return "ro" not in self.options


def mount_at(point: Path) -> Mount | None:
    """The topmost mount exactly at ``point``, if there is one."""
    found = None
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        mount = _parse(line)
        if mount.point == point.absolute():
            found = mount
    return found


def _parse(line: str) -> Mount:
    left, right = line.split(" - ", 1)
    fields, tail = left.split(" "), right.split(" ")
    options = frozenset(fields[5].split(",")) | (frozenset(tail[2].split(",")) & {"ro"})
    return Mount(Path(_plain(fields[4])), tail[0], _plain(tail[1]), options)


def _plain(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)


def mount_overlay(name: str, lower: Path, layer: Path, target: Path, *, more: Sequence[str] = ()) -> None:
    """``lower`` at ``target`` as a tree that can be written: what is written goes into ``upper`` in ``layer``."""
    layers = (f"lowerdir={lower}", f"upperdir={layer / 'upper'}", f"workdir={layer / 'work'}")
    options = ",".join((*layers, *more, "nosuid,nodev,noexec"))
    run(["mount", "-t", "overlay", "-o", options, name, target], timeout=60)


def require_btrfs() -> None:
    """Return if this kernel can mount btrfs (loading its module if it must); SteadError with the next step if not."""
    if _has_btrfs():
        return
    try:
        run(["modprobe", "btrfs"], timeout=30)
    except CommandError:
        pass
    if not _has_btrfs():
        raise SteadError(
            "this computer's kernel has no btrfs, which Stead keeps all data on",
            hint="run `modprobe btrfs`, read its answer; the kernels of Debian and Ubuntu (linux-image-amd64 "
            "and linux-image-generic) have it, some hosters' reduced kernels do not: choose another kernel there",
        )


def _has_btrfs() -> bool:
    return "btrfs" in Path("/proc/filesystems").read_text().split()
