"""Deadlines of each place: the last good backup, the last passed drill, the last whole read-back, and their ages.

An age is measured from when a proof was first seen, so that a clock that jumps makes none look old or fresh.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from stead.alerts.moment import Moment
from stead.alerts.state import Sight
from stead.alerts.wishes import Wishes
from stead.records import Proof, Records
from stead.words.quantities import say_duration
from stead.words.verdict import Verdict

_HOUR, _DAY = 3600.0, 86400.0
#: What has a deadline, as findings' ids begin and as proofs are called. A place is read back within 30 days.
BACKUP, DRILL, READ_BACK = "backup", "drill", "read-back"
_READ_BACK_WITHIN = 33 * _DAY
_LOOKED_AT = 400
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


def read_proofs(records: Records, wishes: Wishes) -> PlaceProofs:
    """Read them."""
    drills, reads = (records.proofs(kind, limit=_LOOKED_AT) for kind in (DRILL, READ_BACK))
    good: dict[str, Dated] = {}
    newest: dict[str, Proof] = {}
    for place in wishes.places:
        if snapshot := records.newest_snapshot(place):
            good[f"{BACKUP} {place}"] = Dated(snapshot.id, snapshot.data_at)
        for kind, proofs in ((DRILL, drills), (READ_BACK, reads)):
            here = [proof for proof in proofs if proof.evidence.get("place") == place]
            passed = [proof for proof in here if proof.verdict is Verdict.PASS]
            good |= {f"{kind} {place}": Dated(str(proof.id), proof.at) for proof in passed[:1]}
            newest |= {f"{kind} {place}": proof for proof in here[:1]}
    return PlaceProofs(good, newest)


def sights(before: Mapping[str, Sight], proofs: PlaceProofs, wishes: Wishes, now: Moment) -> dict[str, Sight]:
    """When each last good one was first seen; where there is none, since when there is none."""
    found = {}
    for place in wishes.places:
        for kind in (BACKUP, DRILL, READ_BACK):
            name = f"{kind} {place}"
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


def limit(kind: str, wishes: Wishes) -> float:
    """Seconds after which one that is still unproven is an alarm."""
    if kind == BACKUP:
        return max(_HOUR, 2 * wishes.lose_at_most)
    return max(_HOUR, 3 * wishes.prove_every) if kind == DRILL else _READ_BACK_WITHIN


def states(
    proofs: PlaceProofs, sights_: Mapping[str, Sight], wishes: Wishes, now: Moment
) -> Iterator[tuple[str, str, str]]:
    """A row for each deadline: its subject, ``kept``, ``late`` or ``never``, and why."""
    for name in sights_:
        kind = name.partition(" ")[0]
        age, allowed = age_of(sights_, name, now), limit(kind, wishes)
        if name not in proofs.good:
            yield f"deadline {name}", "never", "there was no good one yet"
        else:
            why = f"at most {say_duration(allowed)} may pass"
            yield f"deadline {name}", "late" if age > allowed else "kept", why
