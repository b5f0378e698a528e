"""What holds all pruning: changes that look wrong, kept until the owner says they were meant or they are over."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from stead.backup.changes import Wrong, clock_wrong, look_wrong
from stead.backup.known import load_known
from stead.backup.pieces import read_index
from stead.backup.walking import FOLDER
from stead.words.declaration import Inventory
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.picture import Picture


@dataclass(frozen=True)
class Watched:
    """What is remembered between two looks. ``offset`` is the clock minus the time since the computer's ``boot``."""

    wrong: tuple[Wrong, ...] = ()
    accepted_at: float = 0.0
    accepted: tuple[str, ...] = ()
    boot: str = ""
    offset: float = 0.0


def holds(home: Home, place_name: str) -> tuple[str, ...]:
    """Sentences why nothing may be pruned from a place now; empty: nothing is in the way."""
    found = [wrong.what for wrong in load_watched(home).wrong]
    known = load_known(home, place_name)
    last = max(known.snapshots, key=lambda snapshot: snapshot.taken_at, default=None)
    if last is not None and not last.good:
        found.append(f"the newest backup in the place {place_name} was not good")
    return tuple(found)


def accept(home: Home) -> tuple[str, ...]:
    """The owner says that everything that looks wrong now was meant; returns what that was."""
    try:
        watched = load_watched(home)
    except SteadError as damaged:
        watched = Watched((Wrong("changes-damaged", damaged.message, True),))
    boot, offset = _clock()
    save_watched(
        home, Watched((), time.time(), tuple({*watched.accepted, *(w.what for w in watched.wrong)}), boot, offset)
    )
    return tuple(wrong.what for wrong in watched.wrong)


def drift(watched: Watched) -> float | None:
    """Seconds the clock went more than the computer since the last look; None: it was started in between."""
    boot, offset = _clock()
    return offset - watched.offset if boot == watched.boot else None


def remember(home: Home, found: Iterable[Wrong]) -> tuple[Wrong, ...]:
    """Keep what was found now; what was seen before and ``stays`` is kept, too. Returns all that holds."""
    watched = load_watched(home)
    new = [wrong for wrong in found if wrong.stays or wrong.what not in watched.accepted]
    kept = [w for w in watched.wrong if w.stays and w.id not in {one.id for one in new}]
    boot, offset = _clock()
    if boot == watched.boot:
        # The clock of the first look of this boot counts: it is over when the clock is right again.
        offset = watched.offset
    save_watched(home, replace(watched, wrong=(*kept, *new), boot=boot, offset=offset))
    return (*kept, *new)


def load_watched(home: Home) -> Watched:
    """What is remembered; a damaged file is an error, because it may have held pruning."""
    try:
        raw = json.loads(_file(home).read_bytes())
        return Watched(**{**raw, "wrong": tuple(Wrong(**w) for w in raw["wrong"]), "accepted": tuple(raw["accepted"])})
    except FileNotFoundError:
        return Watched()
    except (ValueError, KeyError, TypeError) as damaged:
        raise SteadError(
            f"the file {_file(home)} is damaged ({damaged!r}), so nothing is pruned",
            hint="look at the newest backups, then: stead backup accept",
        ) from None


def save_watched(home: Home, watched: Watched) -> None:
    """Replace what is remembered, whole or not at all."""
    file = _file(home)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(file.name + ".new")
    with new.open("w") as handle:
        json.dump(asdict(watched), handle)
        handle.flush()
        os.fsync(handle.fileno())
    new.replace(file)


def watch_changes(
    home: Home, picture: Picture, inventory: Mapping[str, Inventory], places: Iterable[str]
) -> tuple[Wrong, ...]:
    """Compare a picture with the backups known to be in the places, and keep what looks wrong."""
    known = [load_known(home, name) for name in places]
    backups = [snapshot for one in known for snapshot in one.snapshots]
    good = max((s for s in backups if s.good), key=lambda snapshot: snapshot.taken_at, default=None)
    watched, index = load_watched(home), read_index(picture.path / FOLDER)
    shifts = [shift for shift in index.shifts if shift.at > watched.accepted_at] if index else []
    found = look_wrong(shifts, good.inventory if good else {}, inventory)
    newest = max((snapshot.taken_at for snapshot in backups), default=None)
    return remember(home, found + clock_wrong(picture.taken_at, newest, drift(watched)))


def _file(home: Home) -> Path:
    return home.lib / "changes.json"


def _clock() -> tuple[str, float]:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return boot, time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
