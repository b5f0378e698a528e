"""The btrfs that holds data: made, mounted, let go. Growing and watching it is ``room`` and ``health``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from stead.data import loop
from stead.data.mounts import Mount, mount_at, require_btrfs
from stead.data.room import first_size
from stead.data.standin import end_stand_in
from stead.run import run
from stead.words.errors import SteadError, UsageError
from stead.words.home import Home

#: Nothing in data is ever a program, a device or setuid; discards keep the image as small as what it holds.
_OPTIONS = "noexec,nosuid,nodev,noatime"
_OWN_SUBVOLUME = "stead"


@dataclass(frozen=True)
class Volume:
    """The mounted data. ``device`` is our loop device (None: the owner's own btrfs); ``notes`` are worth telling."""

    mount: Path
    device: str | None
    notes: tuple[str, ...] = ()


def ensure_volume(home: Home, *, size: int | None = None, own_btrfs: Path | None = None) -> Volume:
    """Bring data to where services expect it: make what is missing, mount what is not mounted, touch nothing else.

    ``size`` (bytes) is the first size of the file image; ``own_btrfs`` a folder on the owner's btrfs to use instead.
    """
    require_btrfs()
    home.data_mount.mkdir(parents=True, exist_ok=True)
    mounted = mount_at(home.data_mount)
    if mounted is not None and mounted.kind != "btrfs":
        raise SteadError(
            f"{home.data_mount} is taken by a {mounted.kind} mount that is not Stead's",
            hint=f"unmount it (umount {home.data_mount}) and run the command again",
        )
    if own_btrfs is not None:
        notes = () if mounted else _mount_own(home, own_btrfs)
        device = None
    else:
        device, notes = _mount_image(home, size, mounted)
    _ensure_folders(home)
    return Volume(home.data_mount, device, notes)


def unmount(home: Home) -> None:
    """Let data go: unmount it and detach our loop device. Nothing to do is fine; a busy volume is an error."""
    end_stand_in(home)
    while mount_at(home.data_mount) is not None:
        run(
            ["umount", home.data_mount],
            timeout=120,
            hint=f"something still uses it: `fuser -vm {home.data_mount}` names it",
        )
    loop.let_go(home.data_image)


def _mount_image(home: Home, size: int | None, mounted: Mount | None) -> tuple[str | None, tuple[str, ...]]:
    if mounted:
        return mounted.source, ()
    if not home.data_image.exists():
        _make_image(home.data_image, first_size(home.data_image.parent) if size is None else size)
    device, note = loop.attached(home.data_image), None
    if device is None:
        device, note = loop.attach(home.data_image)
    try:
        run(["mount", "-t", "btrfs", "-o", f"{_OPTIONS},discard=async", device, home.data_mount], timeout=120)
    except SteadError:
        loop.detach(device)
        raise
    return device, (note,) if note else ()


def _make_image(image: Path, size: int) -> None:
    """Make the file system beside its final name and move it there whole: a half-made one is never mounted."""
    half_made = image.with_name(image.name + ".new")
    half_made.unlink(missing_ok=True)
    with half_made.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.truncate(size)
    run(["mkfs.btrfs", "--quiet", "--data", "single", "--metadata", "single", half_made], timeout=120)
    with half_made.open("rb") as file:
        os.fsync(file.fileno())
    half_made.rename(image)
    sync_folder(image.parent)


def _mount_own(home: Home, folder: Path) -> tuple[str, ...]:
    kind = run(["stat", "--file-system", "--format=%T", folder], timeout=20, hint="is the disk plugged in?").out.strip()
    if kind != "btrfs":
        raise UsageError(
            f"{folder} is on {kind}, not on btrfs", hint="give a folder on a btrfs, or let Stead make its own image"
        )
    subvolume = folder / _OWN_SUBVOLUME
    if not subvolume.exists():
        run(["btrfs", "subvolume", "create", subvolume], timeout=60)
    run(["mount", "--bind", subvolume, home.data_mount], timeout=60)
    run(["mount", "-o", f"remount,bind,{_OPTIONS}", home.data_mount], timeout=60)
    return ()


def _ensure_folders(home: Home) -> None:
    if not home.data.exists():
        run(["btrfs", "subvolume", "create", home.data], timeout=60)
    home.data.chmod(0o755)
    home.pictures.mkdir(mode=0o700, exist_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames in ``folder`` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
