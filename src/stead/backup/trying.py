"""Trying a place really: written, read back, and a deletion attempted, without touching any copy of the owner's.

What is written is a snapshot tagged ``try``. That nothing can be deleted is only believed when a deletion was tried and
what was to go is still there.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from stead.backup import s3
from stead.backup.cycle import backup_bound
from stead.backup.known import file_of, load_known, save_known
from stead.backup.locks import writing
from stead.backup.opening import open_place
from stead.backup.place import Kind, Place
from stead.backup.restic import Restic, delete_snapshot, list_ids
from stead.backup.traffic import count
from stead.backup.troubles import PlaceDamaged
from stead.backup.work import work
from stead.words.errors import UnprovenError
from stead.words.home import Home
from stead.words.progress import Progress, Silent
from stead.words.quantities import read_time, say_time

#: Bytes written and read back: enough to see how fast a line is, few enough to be left behind.
SIZE = 4_000_000
#: Of a monthly try, which is about deletion alone.
SMALL = 20_000
_PATH = "/run/stead/try"
_TAG = "try"


@dataclass(frozen=True)
class Tried:
    """What became of one try. Speeds are bytes a second, as a small file shows them.

    ``refused``: a deletion was tried and what was to go is still there. ``hides``: restic's deletion works, and the
    bucket keeps the old versions. ``oldest`` is the age in seconds of the oldest thing that withstood.
    """

    place: str
    upload: float
    download: float
    refused: bool
    hides: bool
    oldest: float
    seconds: float


@dataclass(frozen=True)
class _Left:
    """What tries left at a place: a snapshot, and versions in a bucket with the time they were made."""

    snapshot: str | None = None
    versions: tuple[tuple[str, str, str], ...] = ()


def try_place(home: Home, place: Place, program: Path, progress: Progress, *, size: int = SIZE) -> Tried:
    """Write, read back, try to delete. Raises the nouns of ``troubles`` when one of the first two does not work."""
    began, restic = time.monotonic(), Restic(program, place)
    with writing(home, place), tempfile.TemporaryDirectory() as folder:
        open_place(home, restic)
        left = _load(home, place.name)
        content = os.urandom(size)
        with progress.step(f"write to {place.name}"):
            snapshot, upload = _write(home, restic, Path(folder), content)
        with progress.step("read it back"):
            download = _read_back(home, restic, Path(folder), snapshot, content)
        with progress.step("try to delete it"):
            left = _delete(home, restic, replace(left, snapshot=left.snapshot or snapshot), snapshot)
            refused, hides, oldest = _destroy(home, place, left)
    return Tried(place.name, upload, download, refused, hides, oldest, time.monotonic() - began)


def tries(home: Home, place: str) -> frozenset[str]:
    """Ids of snapshots in the place that are of our own tries, and could not be deleted."""
    kept = _load(home, place).snapshot
    return frozenset([kept] if kept else [])


def _write(home: Home, restic: Restic, folder: Path, content: bytes) -> tuple[str, float]:
    source = folder / "try"
    source.write_bytes(content)
    began = time.monotonic()
    ended = backup_bound(home, restic, {source: _PATH}, _TAG, Silent(), top=_PATH)
    seconds = time.monotonic() - began
    save_known(home, restic.place.name, replace(load_known(home, restic.place.name), busy=False))
    return str(ended.summary["snapshot_id"]), len(content) / seconds


def _read_back(home: Home, restic: Restic, folder: Path, snapshot: str, content: bytes) -> float:
    began = time.monotonic()
    work(restic, ["restore", snapshot, "--target", folder / "back"], Silent())
    seconds = time.monotonic() - began
    count(home, restic.place.name, read=len(content))
    back = folder / "back" / _PATH.lstrip("/")
    if not back.is_file() or hashlib.sha256(back.read_bytes()).digest() != hashlib.sha256(content).digest():
        raise PlaceDamaged(
            f"what was just written to the place {restic.place.name} did not come back as it was",
            hint="do not rely on this place; look at its disk or ask its provider",
        )
    return len(content) / seconds


def _delete(home: Home, restic: Restic, left: _Left, snapshot: str) -> _Left:
    """Ask restic to delete this try's snapshot and the one of an earlier try; what is still listed was refused."""
    wanted = {snapshot, *([left.snapshot] if left.snapshot else [])}
    refused = {one for one in sorted(wanted) if delete_snapshot(restic, one)}
    still = wanted & list_ids(restic, "snapshots")
    if still != refused:
        raise UnprovenError(
            f"the place {restic.place.name} said one thing about a deletion and did another",
            hint=f"try again: stead place test {restic.place.name}",
        )
    kept = left.snapshot if left.snapshot in still else next(iter(still), None)
    left = replace(left, snapshot=kept)
    _save(home, restic.place.name, left)
    return left


def _destroy(home: Home, place: Place, left: _Left) -> tuple[bool, bool, float]:
    """Whether what is there withstands, whether restic's deletion only hides, and how old the oldest that stood is."""
    if left.snapshot is not None:
        return True, False, 0.0
    if place.kind is not Kind.S3:
        return False, False, 0.0
    new = s3.put(place)
    versions = (*left.versions, (new.key, new.version, say_time(datetime.now(UTC))))
    # The oldest first: a lock that ends too soon shows itself there.
    stood = tuple(one for one in versions if not s3.destroy(place, s3.Version(one[0], one[1])))
    _save(home, place.name, replace(left, versions=(*stood[:1], *stood[1:][-2:])))
    ages = [(datetime.now(UTC) - read_time(one[2])).total_seconds() for one in stood]
    return stood == versions, bool(new.version), max(ages, default=0.0)


def _load(home: Home, place: str) -> _Left:
    try:
        raw = json.loads(_file(home, place).read_bytes())
        return _Left(raw["snapshot"], tuple((key, version, at) for key, version, at in raw["versions"]))
    except (OSError, ValueError, KeyError, TypeError):
        # It is only remembered to be tried again: without it, the next try begins anew.
        return _Left()


def _save(home: Home, place: str, left: _Left) -> None:
    new = _file(home, place).with_suffix(".new")
    new.write_text(json.dumps(asdict(left)))
    new.replace(_file(home, place))


def _file(home: Home, place: str) -> Path:
    return file_of(home, place).with_suffix(".tries")
