"""Pictures of data: taken in milliseconds, whatever the size, kept by age. They are no backups: same disk."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stead.data.inside import leave_out_folders, write_host_files
from stead.data.standin import require_own
from stead.data.volume import sync_folder
from stead.run import lock, run
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.picture import Picture

_TIME = "%Y%m%dT%H%M%S"
_NAME = re.compile(r"(\d{8}T\d{6})(\d{6})?Z(-backup)?")
_MAKING = ".making-"
#: A clock that jumped years ahead makes every picture look old: this many of the newest always stay.
_ALWAYS_KEPT = 12
_BACKUP_KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Thinned:
    """What thinning did: names deleted, names kept, and what could not be deleted, with the reason."""

    deleted: tuple[str, ...]
    kept: tuple[str, ...]
    failed: Mapping[str, str] = field(default_factory=dict)


def take_picture(home: Home, now: datetime) -> Picture:
    """Take a read-only picture of data, named by ``now`` in UTC."""
    require_own(home)
    name = _free_name(home, now, "")
    path = home.pictures / name
    run(["btrfs", "subvolume", "snapshot", "-r", home.data, path], timeout=120)
    return Picture(name, path, _read_name(name)[0])


def picture_with(
    home: Home,
    files: Mapping[str, bytes],
    *,
    now: datetime | None = None,
    leave_out: Iterable[str] = (),
    finish: Callable[[Path], object] | None = None,
) -> Picture:
    """Take a picture for a backup, with ``files`` (by name) in its ``.stead/``, owned by root.

    ``leave_out`` are data folders that are not to be saved: they are empty in the picture. ``finish`` gets the
    picture's folder while it can still be written (the manifest is made there). The picture appears in
    ``home.pictures`` whole and read-only, or not at all; whoever asked for it deletes it after the backup.
    """
    require_own(home)
    name = _free_name(home, now or datetime.now(UTC), "-backup")
    making = home.pictures / f"{_MAKING}{os.getpid()}-{name}"
    run(["btrfs", "subvolume", "snapshot", home.data, making], timeout=120)
    try:
        leave_out_folders(making, leave_out)
        write_host_files(making, files)
        if finish is not None:
            finish(making)
        run(["btrfs", "filesystem", "sync", making], timeout=600)
        run(["btrfs", "property", "set", "-t", "subvol", making, "ro", "true"], timeout=60)
        making.rename(home.pictures / name)
    except BaseException:
        _delete(making)
        raise
    sync_folder(home.pictures)
    return Picture(name, home.pictures / name, _read_name(name)[0], for_backup=True)


def list_pictures(home: Home) -> tuple[Picture, ...]:
    """Every whole picture, oldest first."""
    found = []
    for entry in os.scandir(home.pictures):
        if _NAME.fullmatch(entry.name):
            taken_at, for_backup = _read_name(entry.name)
            found.append(Picture(entry.name, Path(entry.path), taken_at, for_backup))
    return tuple(sorted(found, key=lambda picture: (picture.taken_at, picture.name)))


@contextmanager
def used(home: Home, picture: Picture) -> Iterator[None]:
    """Keep a picture for a backup from being thinned, however long it takes, and delete it afterwards."""
    file = _lock_of(home, picture)
    handle = lock(file)
    try:
        yield
    finally:
        _delete(picture.path)
        file.unlink(missing_ok=True)
        if handle is not None:
            os.close(handle)


def _lock_of(home: Home, picture: Picture) -> Path:
    return home.locks / f"picture-{picture.name}"


def _is_used(home: Home, picture: Picture) -> bool:
    if not picture.for_backup or not _lock_of(home, picture).exists():
        return False
    handle = lock(_lock_of(home, picture))
    if handle is not None:
        os.close(handle)
    return handle is None


def delete_picture(home: Home, picture: Picture) -> None:
    """Delete one picture; it is an error if the kernel refuses, nothing else is touched."""
    if picture.path.parent != home.pictures:
        raise SteadError(f"{picture.path} is no picture of this host")
    _delete(picture.path)


def thin_pictures(home: Home, now: datetime) -> Thinned:
    """Delete what need not be kept: all of the last hour stay, then one an hour for a day, one a day for a month.

    Left-overs of killed backups go, too. A picture that cannot be deleted is reported and the others still go.
    """
    pictures = list_pictures(home)
    doomed = [picture for picture in to_delete(pictures, now) if not _is_used(home, picture)]
    failed: dict[str, str] = {}
    for path in [picture.path for picture in doomed] + _left_overs(home):
        try:
            _delete(path)
        except SteadError as refused:
            failed[path.name] = refused.message
    deleted = tuple(picture.name for picture in doomed if picture.name not in failed)
    return Thinned(deleted, tuple(p.name for p in pictures if p.name not in deleted), failed)


def to_delete(pictures: Iterable[Picture], now: datetime) -> tuple[Picture, ...]:
    """Which pictures need not be kept any longer, decided from their times alone."""
    ordered = sorted(pictures, key=lambda picture: picture.taken_at)
    doomed = [p for p in ordered if p.for_backup and now - p.taken_at > _BACKUP_KEPT]
    own = [p for p in ordered if not p.for_backup]
    seen: set[str] = set()
    for picture in own[: max(0, len(own) - _ALWAYS_KEPT)]:
        age = now - picture.taken_at
        if age <= timedelta(hours=1):
            continue
        span = picture.taken_at.strftime("%Y%m%dT%H" if age <= timedelta(days=1) else "%Y%m%d")
        if span in seen or age > timedelta(days=31):
            doomed.append(picture)
        seen.add(span)
    return tuple(doomed)


def _left_overs(home: Home) -> list[Path]:
    found = []
    for entry in os.scandir(home.pictures):
        if entry.name.startswith(_MAKING):
            maker = entry.name.removeprefix(_MAKING).partition("-")[0]
            if not os.path.exists(f"/proc/{maker}"):
                found.append(Path(entry.path))
    return found


def _free_name(home: Home, now: datetime, suffix: str) -> str:
    moment = now.astimezone(UTC)
    name = moment.strftime(_TIME) + "Z" + suffix
    if (home.pictures / name).exists():
        name = moment.strftime(_TIME + "%f") + "Z" + suffix
    return name


def _read_name(name: str) -> tuple[datetime, bool]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(name)
    moment = datetime.strptime(match[1], _TIME).replace(tzinfo=UTC, microsecond=int(match[2] or 0))
    return moment, bool(match[3])


def _delete(path: Path) -> None:
    run(["btrfs", "subvolume", "delete", path], timeout=300)
