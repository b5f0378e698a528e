"""What grows worse by waiting: something that stays unproven becomes an alarm, and a moment's trouble is none yet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from stead.alerts.deadlines import limit
from stead.alerts.wishes import Wishes
from stead.words.quantities import say_duration
from stead.words.verdict import Finding, Severity

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0

#: Findings about a deadline of a place: they are as old as its last good one, whatever they are called today.
_OF_A_PLACE = re.compile(r"(backup|drill)-[a-z-]+:(.+)")
#: Beginning of another finding's id, and the seconds after which it is an alarm though nothing was proven wrong.
_LIMITS: tuple[tuple[str, float], ...] = (
    ("probes-old", _HOUR),
    ("read-back-", 3 * _DAY),
    ("act-failing:", _DAY),
    ("half-done:", _DAY),
    ("clock-jump", _DAY),
    ("certificate-ending", 7 * _DAY),
)
#: What an ordinary restart makes for a moment.
_PATIENCE: tuple[tuple[str, float], ...] = (("probe-failing:", 2 * _MINUTE), ("server-down", 2 * _MINUTE))


def aged(finding: Finding, held: float, ages: Mapping[str, float], wishes: Wishes) -> Finding:
    """The finding as it weighs after ``held`` seconds; ``ages``: of the last good ones, by ``KIND PLACE``."""
    if finding.severity is not Severity.WARNING:
        return finding
    allowed = next((seconds for start, seconds in _LIMITS if finding.id.startswith(start)), None)
    if match := _OF_A_PLACE.fullmatch(finding.id):
        name = f"{match[1]} {match[2]}"
        allowed, held = limit(name, wishes), ages.get(name, held)
    if allowed is None or held <= allowed:
        return finding
    passed = f"for {say_duration(held)} now" if held < 400 * _DAY else "nobody can tell since when"
    return replace(finding, severity=Severity.ALARM, what=f"{finding.what} (unproven {passed})")


def is_alarm(finding: Finding, held: float) -> bool:
    """Whether the owner is told now."""
    patience = next((seconds for start, seconds in _PATIENCE if finding.id.startswith(start)), 0.0)
    return finding.severity is Severity.ALARM and held >= patience
