"""Why a place could not be read: which of the things we put there are gone, and which are not what they were."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from stead.backup.cycle import lost, really_there
from stead.backup.known import load_known
from stead.backup.place import Place
from stead.backup.restic import Restic, check, list_ids
from stead.words.home import Home

_ENOUGH = 5


def missing_packs(home: Home, place: Place, program: Path) -> frozenset[str]:
    """Packs that we put into the place and that it does not list any more. Cold: no cache can hide a loss."""
    return load_known(home, place.name).packs - list_ids(Restic(program, place), "packs")


def missing_snapshots(home: Home, place: Place, program: Path) -> frozenset[str]:
    """Snapshots that we put into the place and that it does not list any more."""
    return load_known(home, place.name).expected_snapshots - list_ids(Restic(program, place), "snapshots")


def losses(home: Home, place: Place, program: Path) -> tuple[str, ...]:
    """Everything we put into the place that it does not list any more, as sentences. Takes about half a second."""
    return lost(load_known(home, place.name), *really_there(Restic(program, place)))


def damage(home: Home, place: Place, program: Path, *, within: float = 120.0) -> tuple[str, ...]:
    """Look for the cause of a read error: what is gone, then what is not itself any more. For after a failed drill.

    Files in a restic repository are named by the SHA-256 of their content, so a folder is checked by reading it
    (newest first, for at most ``within`` seconds); any other place by ``restic check`` of a part of it.
    """
    found = losses(home, place, program)
    if found:
        return found
    if place.folder is None:
        return check(Restic(program, place), subset="500M", timeout=max(within, 60.0)).problems
    return _changed(place.folder, time.monotonic() + within)


def _changed(folder: Path, deadline: float) -> tuple[str, ...]:
    found: list[str] = []
    small = [path for kind in ("keys", "snapshots", "index") for path in (folder / kind).glob("*")]
    packs = sorted((folder / "data").glob("*/*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in small + packs:
        if len(found) >= _ENOUGH or time.monotonic() > deadline:
            break
        if len(path.name) == 64 and _sha256(path) != path.name:
            kind = path.parent.name if path in small else "pack"
            found.append(f"{kind} {path.name[:8]} in the place is damaged: its content is not what was stored")
    return tuple(found)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as unreadable:
        return f"unreadable: {unreadable.strerror}"
