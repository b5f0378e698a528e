"""What the keeper does when: acts with their intervals and deadlines, and the pure choice of what to start now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stead.settings import Settings

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
#: A probe that failed is made again this soon: the owner should know whether it was a moment's.
_AGAIN = 15.0

#: Acts that load the disks and the memory.
HEAVY = "heavy"
#: Acts that use the watch account: one must not tidy away what the other is about to read.
OUTSIDE = "outside"


@dataclass(frozen=True)
class Act:
    """One kind of work: the arguments of ``stead`` that do it, every ``interval`` seconds, ended after ``deadline``.

    Acts with the same ``alone`` word run one at a time. ``kept``: the time of the last run outlives the keeper.
    ``first`` seconds after the keeper's start is the earliest first run.
    """

    name: str
    args: tuple[str, ...]
    interval: float
    deadline: float
    alone: str = ""
    kept: bool = False
    first: float = 0.0


def acts(settings: Settings, places: Iterable[str]) -> tuple[Act, ...]:
    """All acts of one host."""
    wanted = settings.keeper
    drills = tuple(
        Act(
            f"drill-{place}",
            ("drill", "--place", place, "--by-keeper"),
            settings.goals.prove_every,
            30 * _MINUTE,
            alone=HEAVY,
            kept=True,
            first=20,
        )
        for place in places
    )
    return (
        Act("sweep", ("act", "sweep"), _DAY, 5 * _MINUTE, alone=HEAVY),
        Act("data", ("act", "data"), _MINUTE, 5 * _MINUTE),
        Act("mark", ("act", "mark"), wanted.marker, max(50.0, wanted.marker), alone=OUTSIDE, first=2),
        Act("probe", ("probe",), wanted.probe, 2 * _MINUTE, alone=OUTSIDE, first=5),
        Act("picture", ("act", "picture"), wanted.picture, 5 * _MINUTE, kept=True, first=5),
        Act("places", ("act", "places"), 6 * _HOUR, 30 * _MINUTE, HEAVY, True, 15 * _MINUTE),
        Act("backup", ("backup", "run", "--by-keeper"), settings.backup_interval, 6 * _HOUR, HEAVY, True, 10),
        *drills,
        Act("look", ("act", "look"), _MINUTE, _MINUTE, first=15),
        Act("kit", ("act", "kit"), _HOUR, _MINUTE, first=90),
        Act("tidy", ("act", "tidy"), _DAY, 5 * _MINUTE, kept=True, first=60),
    )


def first_due(act: Act, age: float | None) -> float:
    """Seconds from the keeper's start to an act's first run; ``age`` is how long ago it last ran (None: never)."""
    if not act.kept or age is None or age < 0:
        return act.first
    return max(act.first, act.interval - age)


def to_start(wanted: Iterable[Act], due: Mapping[str, float], running: Mapping[str, Act], now: float) -> list[Act]:
    """Acts to start now: due, not under way, the longest overdue first, and of those with one ``alone`` only one."""
    chosen: list[Act] = []
    busy = {act.alone for act in running.values() if act.alone}
    ready = [act for act in wanted if act.name not in running and due[act.name] <= now]
    for act in sorted(ready, key=lambda act: due[act.name]):
        if act.alone in busy:
            continue
        busy |= {act.alone} - {""}
        chosen.append(act)
    return chosen


def next_due(act: Act, planned: float, now: float) -> float:
    """When an act that starts now is due again: in step with its plan, without making up for what was missed."""
    following = planned + act.interval
    return following if following > now else now + act.interval


def due_after(act: Act, planned: float, code: int, now: float) -> float:
    """When an act that ended with ``code`` is due again: as planned, a failed probe sooner."""
    return min(planned, now + _AGAIN) if act.name == "probe" and code else planned
