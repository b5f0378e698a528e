"""Quiet hours of a place: when the keeper leaves it alone, and how much of an age they are."""

from __future__ import annotations

from datetime import datetime, timedelta

from stead.settings import PlaceSetting, Quiet


def resting(wanted: PlaceSetting, now: datetime) -> bool:
    """Whether the place has its quiet hours at ``now`` (local time)."""
    return wanted.quiet_hours is not None and wanted.quiet_hours.holds(now.hour * 60 + now.minute)


def quiet_seconds(quiet: Quiet | None, since: datetime, until: datetime) -> float:
    """How long of the time between the two was quiet; deadlines do not count it. Whole days are counted at once."""
    if quiet is None or until <= since:
        return 0.0
    length = (quiet.until - quiet.since) % 1440
    days, rest = divmod(until - since, timedelta(days=1))
    minutes = int(rest.total_seconds() // 60)
    begin = (until - rest).astimezone()
    inside = sum(quiet.holds((begin.hour * 60 + begin.minute + n) % 1440) for n in range(minutes))
    return (days * length + inside) * 60.0
