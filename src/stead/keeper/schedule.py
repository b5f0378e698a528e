"""What the keeper does when: acts with their intervals and deadlines, and the pure choice of what to start now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from stead.backup import interval
from stead.settings import Settings
from stead.words.errors import UNPROVEN

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
#: A probe that failed is made again this soon: the owner should know whether it was a moment's.
_AGAIN = 15.0
#: What could not be proven is tried again after this.
_LATER = 3 * _HOUR

#: Acts that load the disks and the memory.
HEAVY = "heavy"
#: Acts that use the watch account: one must not tidy away what the other is about to read.
OUTSIDE = "outside"
#: Acts that read places back.
READING = "reading"
#: Acts that restore a whole place to disk.
FULL = "full"


@dataclass(frozen=True)
class Act:
    """One kind of work: the arguments of ``stead`` that do it, every ``interval`` seconds, ended after ``deadline``.

    Acts with the same ``alone`` word run one at a time. ``kept``: the time of the last run outlives the keeper.
    ``first`` seconds after the keeper's start is the earliest first run. ``vital``: it runs even when nothing can be
    recorded.
    """

    name: str
    args: tuple[str, ...]
    interval: float
    deadline: float
    alone: str = ""
    kept: bool = False
    first: float = 0.0
    vital: bool = False


def vital(feed_every: float = 5 * _MINUTE) -> tuple[Act, ...]:
    """What tells the owner: it runs with a full disk, and with settings that cannot be read, too."""
    return (
        Act("alerts", ("act", "alerts"), _MINUTE, 3 * _MINUTE, first=20, vital=True),
        Act("deadman", ("act", "deadman"), feed_every, 2 * _MINUTE, first=10, vital=True),
    )


def acts(settings: Settings, places: Iterable[str], *, recovering: bool = False) -> tuple[Act, ...]:
    """All acts of one host. While it is ``recovering`` there is nothing of its own yet to back up or to drill."""
    wanted, names = settings.keeper, tuple(places)
    served = (
        Act("data", ("act", "data"), _MINUTE, 5 * _MINUTE),
        Act("mark", ("act", "mark"), wanted.marker, max(50.0, wanted.marker), alone=OUTSIDE, first=2),
        Act("probe", ("probe",), wanted.probe, 2 * _MINUTE, alone=OUTSIDE, first=5),
        Act("look", ("act", "look"), _MINUTE, _MINUTE, first=15),
        *vital(settings.alerts.feed_every),
    )
    if recovering:
        return (*served, Act("recover", ("act", "recover"), _MINUTE / 2, 30 * _DAY, HEAVY, first=5))
    return (
        Act("sweep", ("act", "sweep"), _DAY, 5 * _MINUTE, alone=HEAVY),
        *served,
        Act("picture", ("act", "picture"), wanted.picture, 5 * _MINUTE, kept=True, first=5),
        Act("places", ("place", "due"), 6 * _HOUR, 30 * _MINUTE, HEAVY, True, 15 * _MINUTE),
        Act("backup", ("backup", "run", "--by-keeper"), settings.backup_interval, 6 * _HOUR, HEAVY, True, 10),
        *_drills(settings, names),
        # Each day an hour later, so that it meets no place in its quiet hours every time.
        Act("prune", ("backup", "prune", "--by-keeper"), 25 * _HOUR, 12 * _HOUR, alone=HEAVY, kept=True, first=1800),
        *(_reading(place, interval(wanted.read_back)) for place in names),
        Act("kit", ("act", "kit"), _HOUR, _MINUTE, first=90),
        Act("imports", ("act", "imports"), _HOUR / 4, _HOUR, first=30),
        Act("tidy", ("act", "tidy"), _DAY, 5 * _MINUTE, kept=True, first=60),
    )


def _drills(settings: Settings, places: Iterable[str]) -> Iterator[Act]:
    """Of each place: the newest backup, older ones in turn, and each month everything. Not in its quiet hours."""
    for place in places:
        words, every = ("--place", place, "--by-keeper"), settings.goals.prove_every
        yield Act(f"drill-{place}", ("drill", *words), every, 30 * _MINUTE, HEAVY, True, 20)
        yield Act(
            f"older-{place}", ("drill", *words, "--age", "turn"), 4 * every, 30 * _MINUTE, HEAVY, True, 20 * _MINUTE
        )
        # Beside backups and hourly drills: restoring everything may take hours.
        yield Act(f"full-{place}", ("drill", *words, "--full"), 30 * _DAY, 36 * _HOUR, FULL, True, _HOUR)


def _reading(place: str, every: float) -> Act:
    """Beside backups and drills, because it may take hours: it only reads."""
    words = ("backup", "verify", "--place", place, "--by-keeper")
    return Act(f"verify-{place}", words, every, _DAY, READING, True, 900)


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
    """When an act that ended with ``code`` is due again: as planned; sooner a failed probe, and what could not prove
    anything: it would meet the same quiet hours each day."""
    if code and act.name == "probe":
        return min(planned, now + _AGAIN)
    if code and act.alone in (FULL, READING):
        return min(planned, now + (_LATER if code == UNPROVEN else _DAY))
    return planned
