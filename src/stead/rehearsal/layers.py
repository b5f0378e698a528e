"""Where a rehearsal's pieces lie while it runs: one folder under ``rehearsals``, and a writable layer over its data."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stead import machine
from stead.backup import mounted
from stead.run import run
from stead.words.errors import SteadError
from stead.words.home import Home

_OPTIONS = "nosuid,nodev,noexec"


def base(home: Home) -> Path:
    """The folder that holds the folders of rehearsals under way."""
    return home.lib / "rehearsals"


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
def overlay(path: Path, data: Path) -> Iterator[Path]:
    """``data`` as a tree that can be written: what is written goes into a layer that is thrown away."""
    for part in ("upper", "work", "data"):
        (path / part).mkdir()
    shutil.copystat(data, path / "upper")
    target = path / "data"
    layers = f"lowerdir={data},upperdir={path / 'upper'},workdir={path / 'work'}"
    run(["mount", "-t", "overlay", "-o", f"{layers},{_OPTIONS}", f"stead-{path.name}", target], timeout=60)
    try:
        yield target
    finally:
        _unmount(target)


def sweep(home: Home) -> tuple[str, ...]:
    """Remove what killed rehearsals left: machines, mounts, folders. Returns their names. Call it under their lock."""
    found = tuple(path.name for path in base(home).glob("r-*")) if base(home).is_dir() else ()
    for name in found:
        machine.stop(home, name)
        remove(base(home) / name)
    return found


def remove(path: Path) -> None:
    """Unmount what is mounted below a rehearsal's folder, then remove the folder."""
    for point in sorted(_mounts_below(path), key=len, reverse=True):
        _unmount(Path(point))
    if _mounts_below(path):
        raise SteadError(f"something is still mounted below {path}", hint=f"umount --lazy {path}/*")
    shutil.rmtree(path, ignore_errors=False)


def _mounts_below(path: Path) -> list[str]:
    points = [line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in points if point.startswith(f"{path}/")]


def _unmount(target: Path) -> None:
    run(["umount", target], timeout=30, expect=())
    if mounted(target):
        run(["umount", "--lazy", target], timeout=30)
