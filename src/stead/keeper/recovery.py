"""What would be lost and how soon the server would be back, from measured parts only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stead.keeper.facts import Facts, PlaceFact


@dataclass(frozen=True)
class Recovery:
    """Recovery from one place if the computer died now; a part that was never measured is None.

    ``point_seconds``: age of the newest good backup, and how far behind it the markers were when last drilled.
    ``time_seconds``: the drill's time and the measured preparation of an empty computer.
    """

    place: str
    survives: bool
    point_seconds: float | None
    time_seconds: float | None
    drill_seconds: float | None
    prepare_seconds: float | None
    proven_at: datetime | None
    proof: int | None
    method: str | None


def best(facts: Facts) -> Recovery | None:
    """Recovery from the best place: one that survives this computer before one that does not, a proven one before
    others, and then the one that loses least."""
    found = [(_rank(facts, place), number, from_place(facts, place)) for number, place in enumerate(facts.places)]
    return min(found)[2] if found else None


def from_place(facts: Facts, place: PlaceFact) -> Recovery:
    """Recovery from one place."""
    drill = place.last_pass
    point = facts.age(place.newest_at) if place.newest_at else None
    if point is not None and drill is not None and drill.lag is not None:
        point += drill.lag
    seconds = drill.time_seconds if drill else None
    prepare = facts.prepared.seconds if facts.prepared else None
    return Recovery(
        place=place.name,
        survives=place.survives,
        point_seconds=point,
        time_seconds=seconds + prepare if seconds is not None and prepare is not None else None,
        drill_seconds=seconds,
        prepare_seconds=prepare,
        proven_at=drill.at if drill else None,
        proof=drill.proof if drill else None,
        method=drill.method if drill else None,
    )


def _rank(facts: Facts, place: PlaceFact) -> tuple[bool, bool, bool, float]:
    age = facts.age(place.newest_at) if place.newest_at else float("inf")
    return (not place.survives, not facts.proven(place), place.newest_at is None, age)
