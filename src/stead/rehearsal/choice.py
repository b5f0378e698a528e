"""What a drill drills: which place, which snapshot, and which release it is booted with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from stead.backup import Known, KnownSnapshot, Place, load_known, require_snapshot
from stead.records import Records
from stead.rehearsal.ages import TURN, age_of, at_age, turn
from stead.rehearsal.known import current_release, places
from stead.settings import Settings
from stead.words.age import Age
from stead.words.errors import UnprovenError, UsageError
from stead.words.home import Home

HOST, PLACE = "host", "place"


@dataclass(frozen=True)
class Wanted:
    """What is asked of a drill. None: the place drilled longest ago, its newest snapshot, the release whose turn it is.

    ``release`` is ``host``, ``place`` or the id of the current release; ``full`` restores to disk first. ``age`` is one
    of :class:`stead.words.age.Age`, or ``turn``. ``opened`` is the place with what opens it when that is not what
    this host keeps.
    """

    full: bool = False
    place: str | None = None
    snapshot: str | None = None
    release: str | None = None
    age: str | None = None
    opened: Place | None = None


@dataclass(frozen=True)
class Choice:
    """One drill, decided. ``before`` is the backup before the chosen one (None: it is the first);
    ``release_snapshot`` is where the place keeps the release (None: it is booted from the host)."""

    place: Place
    snapshot: KnownSnapshot
    newest: bool
    before: KnownSnapshot | None
    release: str
    release_snapshot: str | None
    age: Age = Age.NEWEST


def choose(home: Home, settings: Settings, wanted: Wanted) -> Choice:
    """Decide; UnprovenError when there is nothing that could be drilled."""
    place = wanted.opened or _place(home, settings, wanted)
    known = load_known(home, place.name)
    if known.newest is None and wanted.snapshot is None:
        raise UnprovenError(f"there is no backup in {place.name} yet", hint="stead backup run")
    age, chosen = _snapshot(home, place, known, wanted)
    earlier = [s for s in known.snapshots if s.taken_at < chosen.taken_at]
    release, kept = _release(home, wanted, place.name, chosen, known.releases)
    until = max(chosen.taken_at, datetime.now(UTC))
    newest = max((s for s in known.snapshots if s.taken_at <= until), key=_taken_at)
    return Choice(place, chosen, chosen.id == newest.id, max(earlier, key=_taken_at, default=None), release, kept, age)


def _taken_at(snapshot: KnownSnapshot) -> datetime:
    return snapshot.taken_at


def _snapshot(home: Home, place: Place, known: Known, wanted: Wanted) -> tuple[Age, KnownSnapshot]:
    now = datetime.now(UTC)
    if wanted.snapshot is not None:
        asked = known.snapshot(require_snapshot(home, place, wanted.snapshot))
        assert asked is not None
        return age_of(known, asked, now), asked
    age = turn(known, _drilled(home, place.name), now) if wanted.age == TURN else Age(wanted.age or Age.NEWEST)
    chosen = at_age(known, age, now)
    if chosen is None:
        raise UnprovenError(f"the place {place.name} has no backup of that age yet ({age.value})", hint="stead drill")
    return age, chosen


def _drilled(home: Home, place: str) -> dict[Age, int]:
    """The number of the last proof of each age."""
    last: dict[Age, int] = {}
    with Records(home.records) as records:
        for proof in records.proofs("drill", limit=200):
            if proof.evidence.get("place") == place and (seen := proof.evidence.get("age")) in list(Age):
                last.setdefault(Age(str(seen)), proof.id)
    return last


def _place(home: Home, settings: Settings, wanted: Wanted) -> Place:
    known = places(home, settings, wanted.place)
    last: dict[str, int] = {}
    with Records(home.records) as records:
        for proof in records.proofs("drill", limit=200):
            last.setdefault(str(proof.evidence.get("place")), proof.id)
    return min(known, key=lambda place: last.get(place.name, 0))


def _release(home: Home, wanted: Wanted, place: str, snapshot: KnownSnapshot, kept: object) -> tuple[str, str | None]:
    in_place = kept.get(snapshot.release) if isinstance(kept, dict) else None
    current = current_release(home).id
    if wanted.release not in (None, HOST, PLACE, current):
        raise UsageError(f"{wanted.release} is not the current release", hint=f"allowed: {HOST}, {PLACE} or {current}")
    whose = wanted.release or _turn(home, place, full=wanted.full)
    if whose == PLACE and in_place is not None:
        return snapshot.release, in_place
    if whose == PLACE and wanted.release == PLACE:
        raise UnprovenError(f"the place {place} holds no release", hint="stead backup run puts it there")
    return current, None


def _turn(home: Home, place: str, *, full: bool) -> str:
    method = "full" if full else "mounted"
    with Records(home.records) as records:
        mine = (p for p in records.proofs("drill", limit=200) if p.evidence.get("place") == place)
        last = next((p for p in mine if p.evidence.get("method", "mounted") == method), None)
    return PLACE if last is not None and last.evidence.get("release_from") == HOST else HOST
