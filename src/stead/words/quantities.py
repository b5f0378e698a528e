"""Times, durations and sizes: reading them from settings and saying them to people."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*")


def parse_duration(text: str) -> float:
    """Seconds in a duration such as ``15m``, ``1h``, ``90s``, ``2d``; ValueError with what is allowed otherwise."""
    match = _DURATION.fullmatch(text)
    if not match:
        raise ValueError("a number and a unit: s, m, h, d or w (for example 15m)")
    return float(match[1]) * _UNITS[match[2]]


def say_duration(seconds: float) -> str:
    """A duration for people: ``4.2 s``, ``1 min 50 s``, ``3 h 5 min``, ``12 days``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    if whole < 2 * 86400:
        hours, rest = divmod(whole, 3600)
        return f"{hours} h {rest // 60} min" if rest >= 60 else f"{hours} h"
    return f"{whole // 86400} days"


def say_size(size: int) -> str:
    """A number of bytes for people, in decimal units: ``1.4 GB``."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def say_time(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second, as stored and as shown in JSON."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(text: str) -> datetime:
    """The moment written by :func:`say_time` (any RFC 3339 offset is accepted)."""
    return datetime.fromisoformat(text).astimezone(UTC)
