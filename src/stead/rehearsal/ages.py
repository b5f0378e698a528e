"""Which backup of a place is drilled, by its age. Old ones may be pruned any time: chosen is what is known now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from stead.backup import Known, KnownSnapshot
from stead.words.age import CLOCKS_DIFFER, Age

#: Instead of an age: the older one that was drilled longest ago.
TURN = "turn"


_AT_LEAST = {Age.YESTERDAY: timedelta(days=1), Age.WEEK: timedelta(days=7)}


def at_age(known: Known, age: Age, now: datetime) -> KnownSnapshot | None:
    """The good backup of that age; None: there is none that is not the newest as well."""
    newest = newest_of(known, now)
    if age is Age.NEWEST or newest is None:
        return newest
    good = (one for one in known.snapshots if one.good and one.taken_at < newest.taken_at)
    others = sorted(good, key=lambda one: one.taken_at)
    if age is Age.OLDEST:
        return next(iter(others), None)
    return next((one for one in reversed(others) if now - one.taken_at >= _AT_LEAST[age]), None)


def newest_of(known: Known, now: datetime) -> KnownSnapshot | None:
    """The newest good backup; one of the future, made while the clock was wrong, only if there is no other."""
    good = [one for one in known.snapshots if one.good]
    past = [one for one in good if one.taken_at <= now + CLOCKS_DIFFER]
    return max(past or good, key=lambda one: one.taken_at, default=None)


def age_of(known: Known, snapshot: KnownSnapshot, now: datetime) -> Age:
    """The age as which a backup counts that was asked for by its id."""
    newest = newest_of(known, now)
    if newest is None or snapshot.taken_at >= newest.taken_at:
        return Age.NEWEST
    if snapshot.taken_at <= min(one.taken_at for one in known.snapshots):
        return Age.OLDEST
    return Age.WEEK if now - snapshot.taken_at >= _AT_LEAST[Age.WEEK] else Age.YESTERDAY


def turn(known: Known, drilled: Mapping[Age, int], now: datetime) -> Age:
    """The older age whose turn it is, by the number of its last proof; the newest while there is nothing older."""
    found: dict[str, Age] = {}
    for age in (Age.OLDEST, Age.YESTERDAY, Age.WEEK):
        one = at_age(known, age, now)
        if one is not None:
            found.setdefault(one.id, age)
    return min(found.values(), key=lambda age: drilled.get(age, 0), default=Age.NEWEST)
