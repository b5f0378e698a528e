"""A whole snapshot back on disk, cold, into an empty folder, and believed only when every count agrees."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stead.backup.known import load_known
from stead.backup.locks import reading
from stead.backup.opening import open_place
from stead.backup.place import Place
from stead.backup.restic import DATA_PATH, Restic, Snapshot, snapshots
from stead.backup.traffic import Traffic, count
from stead.backup.troubles import NoDisk, NoSuchSnapshot, PlaceDamaged, first, trouble
from stead.backup.work import Ended, work
from stead.words.errors import UsageError
from stead.words.home import Home
from stead.words.progress import Progress
from stead.words.quantities import say_size

_BLOCK = 4096
#: Restic's exit codes that are about the place as a whole.
_NOUNS = (10, 11, 12)


@dataclass(frozen=True)
class Restored:
    """A restore that came back whole by restic's account. ``path`` holds data; compare it with its manifest next."""

    path: Path
    files: int
    size: int
    seconds: float


def restore_cold(
    home: Home,
    place: Place,
    program: Path,
    snapshot: str,
    *,
    target: Path,
    progress: Progress,
    include: Sequence[str] = (),
    top: str = DATA_PATH,
    resume: bool = False,
) -> Restored:
    """Restore a snapshot into the empty folder ``target`` with no cache and no lock.

    ``include`` limits it to some paths below ``top``, which is what the snapshot is of. ``resume`` goes on in a folder
    where an earlier one was cut off: what is whole there is not fetched again, so only who compares every byte with the
    manifest afterwards may ask for it. Raises :class:`PlaceDamaged` when anything is missing or wrong,
    :class:`NoDisk` when it does not fit, and the other nouns of ``troubles``.
    """
    began = time.monotonic()
    restic = Restic(program, place)
    target.mkdir(parents=True, exist_ok=True)
    if os.listdir(target) and not resume:
        raise UsageError(
            f"{target} is not empty", hint="a restore over older files proves nothing: give an empty folder"
        )
    with reading(home, place):
        open_place(home, restic)
        found = _require_snapshot(home, restic, snapshot)
        if not resume:  # what is there already takes part of the room
            _require_room(found, target)
        words: list[str | Path] = ["restore", snapshot, "--target", target]
        for path in include:
            words += ["--include", f"{top}/{path}"]
        traffic = Traffic()
        try:
            ended = work(restic, words, progress, traffic=traffic)
        finally:
            count(home, place.name, read=traffic.read)
    judge(place, snapshot, ended, resumed=resume)
    return Restored(
        path=target / top.lstrip("/"),
        files=int(ended.summary.get("files_restored", 0)),
        size=int(ended.summary.get("bytes_restored", 0)),
        seconds=time.monotonic() - began,
    )


def _require_snapshot(home: Home, restic: Restic, snapshot: str) -> Snapshot:
    found = snapshots(restic, snapshot)
    if not found:
        if snapshot in load_known(home, restic.place.name).expected_snapshots:
            raise PlaceDamaged(f"snapshot {snapshot[:8]} is not at the place {restic.place.name} any more")
        raise NoSuchSnapshot(f"the place {restic.place.name} has no snapshot {snapshot[:8]}")
    return found[0]


def _require_room(snapshot: Snapshot, target: Path) -> None:
    disk = os.statvfs(target)
    needed, free = snapshot.size + snapshot.files * _BLOCK, disk.f_bavail * disk.f_frsize
    if needed > free:
        raise NoDisk(
            f"the restore needs {say_size(needed)} and the disk under {target} has {say_size(free)} free",
            hint="free some space, or give a folder on another disk",
        )


def judge(place: Place, snapshot: str, ended: Ended, *, resumed: bool = False) -> None:
    """Code, error lines, counts, nothing skipped: restic's summary of a restore into a full disk claims everything."""
    if any("no space left on device" in line or "disk quota exceeded" in line for line in ended.errors):
        raise NoDisk(f"the disk was full before the restore was done: {first(ended.errors, 2)}")
    if ended.code in _NOUNS:
        raise trouble(place.name, ended.code, ended.stderr)
    problems = list(ended.errors)
    summary = ended.summary
    if not problems and ended.code != 0:
        problems.append(f"restic ended with code {ended.code}")
    if not problems and not summary:
        problems.append("restic gave no account of it")
    for whole, done in (("total_files", "files_restored"), ("total_bytes", "bytes_restored")):
        # More than announced is no fault: with --include, restic announces files and counts their folders, too.
        there = summary.get(done, 0) + (summary.get(done.replace("restored", "skipped"), 0) if resumed else 0)
        if summary.get(whole, 0) > there:
            problems.append(f"{done.replace('_', ' ')}: {there} of {summary.get(whole, 0)}")
    if summary.get("files_skipped") and not resumed:
        problems.append(f"{summary['files_skipped']} files were skipped")
    if problems:
        raise PlaceDamaged(f"snapshot {snapshot[:8]} did not come back from the place {place.name}: {first(problems)}")
