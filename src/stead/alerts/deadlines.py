"""Deadlines of each place: the last good backup, the last passed drill, the last whole read-back, and their ages.

An age is measured from when a proof was first seen, so that a clock that jumps makes none look old or fresh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from stead.alerts.moment import Moment
from stead.alerts.state import Sight
from stead.alerts.wishes import Wishes
from stead.records import Proof, Records
from stead.words.age import CLOCKS_DIFFER, OLDER
from stead.words.quantities import say_duration
from stead.words.verdict import Verdict

_HOUR, _DAY = 3600.0, 86400.0
#: What has a deadline, as findings' ids begin and as proofs are called.
BACKUP, DRILL, READ_BACK = "backup", "drill", "read-back"
#: A proof dated further ahead than this was made under another clock.
_AHEAD = 60.0


@dataclass(frozen=True)
class Dated:
    """The last good one of a kind at a place: what tells it from others, and its date."""

    key: str
    at: datetime


@dataclass(frozen=True)
class PlaceProofs:
    """What the records prove about the places, by ``KIND PLACE``; ``newest`` are the newest drills, good or not."""

    good: Mapping[str, Dated]
    newest: Mapping[str, Proof]


def read_proofs(records: Records, wishes: Wishes, now: Moment) -> PlaceProofs:
    """Read them."""
    good: dict[str, Dated] = {}
    newest: dict[str, Proof] = {}
    for place in wishes.places:
        if snapshot := records.newest_snapshot(place, until=now.time + CLOCKS_DIFFER):
            good[f"{BACKUP} {place}"] = Dated(snapshot.id, snapshot.data_at)
        for name, last in _proofs(records, place):
            if passed := last(Verdict.PASS):
                good[name] = Dated(str(passed.id), passed.at)
            if any_ := last(None):
                newest[name] = any_
    return PlaceProofs(good, newest)


def _proofs(records: Records, place: str) -> Iterator[tuple[str, Callable[[Verdict | None], Proof | None]]]:
    """Each thing that is proven of a place, and how to ask for its last proof of a verdict."""
    yield (
        f"{DRILL} {place}",
        # A host without FUSE makes full ones only.
        lambda verdict: (
            records.last_proof(DRILL, place, verdict=verdict)
            or records.last_proof(DRILL, place, method="full", verdict=verdict)
        ),
    )
    yield f"{DRILL} {place}/full", lambda verdict: records.last_proof(DRILL, place, method="full", verdict=verdict)
    # Drills of older backups have deadlines of their own.
    for age in OLDER:
        yield f"{DRILL} {place}/{age}", partial(_older, records, place, age)
    yield f"{READ_BACK} {place}", lambda verdict: records.last_proof(READ_BACK, place, verdict=verdict)


def _older(records: Records, place: str, age: str, verdict: Verdict | None) -> Proof | None:
    return records.last_proof(DRILL, place, age=age, verdict=verdict)


def sights(before: Mapping[str, Sight], proofs: PlaceProofs, wishes: Wishes, now: Moment) -> dict[str, Sight]:
    """When each last good one was first seen; where there is none, since when there is none."""
    always = [f"{kind} {place}" for place in wishes.places for kind in (BACKUP, DRILL, READ_BACK)]
    found = {}
    for name in dict.fromkeys((*always, *proofs.good, *proofs.newest)):
        dated, old = proofs.good.get(name), before.get(name)
        key = dated.key if dated else ""
        if old is not None and old.key == key:
            found[name] = old
        elif dated is None:
            found[name] = Sight("", now, 0.0)
        elif (age := now.wall - dated.at.timestamp()) >= -_AHEAD:
            found[name] = Sight(key, now, max(0.0, age))
    return found


def age_of(sights_: Mapping[str, Sight], name: str, now: Moment) -> float:
    """Seconds since the last good one; infinite where nobody can know."""
    sight = sights_.get(name)
    return sight.age + now.since(sight.seen, unknown=float("inf")) if sight else float("inf")


def limit(name: str, wishes: Wishes) -> float:
    """Seconds after which what is called so (``KIND PLACE``) and is still unproven is an alarm."""
    kind, _, place = name.partition(" ")
    if kind == BACKUP:
        return max(_HOUR, 2 * wishes.lose_at_most)
    if kind == READ_BACK:
        return 1.1 * wishes.read_back
    if place.endswith("/full"):
        return 50 * _DAY
    # Older backups take turns, a drill in four intervals.
    return max(_DAY, 36 * wishes.prove_every) if "/" in place else max(_HOUR, 3 * wishes.prove_every)


def states(
    proofs: PlaceProofs, sights_: Mapping[str, Sight], wishes: Wishes, now: Moment
) -> Iterator[tuple[str, str, str]]:
    """A row for each deadline: its subject, ``kept``, ``late`` or ``never``, and why."""
    for name in sights_:
        age, allowed = age_of(sights_, name, now), limit(name, wishes)
        if name not in proofs.good:
            yield f"deadline {name}", "never", "there was no good one yet"
        else:
            why = f"at most {say_duration(allowed)} may pass"
            yield f"deadline {name}", "late" if age > allowed else "kept", why
