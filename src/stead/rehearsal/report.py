"""What a drill found, as people and programs read it, and the pure judgement that turns facts into a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from stead.words.probe import MarkerReading, ProbeResult
from stead.words.quantities import say_duration
from stead.words.verdict import Verdict


@dataclass(frozen=True)
class Step:
    """One step of a drill and the seconds it took: mount, boot, probe, compare or remove."""

    name: str
    seconds: float


@dataclass(frozen=True)
class DrillReport:
    """The outcome of one drill. ``recovery_time_seconds`` runs from nothing mounted to every capability probed;
    ``recovery_point_seconds`` is what would be lost, by the oldest of the services' newest markers. ``reason`` is the
    cause of anything but a pass. ``age`` is the snapshot's (see ``ages``), ``opened_by`` what opened the place:
    ``host`` or ``kit``."""

    verdict: Verdict
    reason: str | None
    snapshot: str | None
    place: str | None
    release: str | None
    release_from: str
    method: str
    recovery_point_seconds: float | None
    recovery_time_seconds: float | None
    steps: tuple[Step, ...]
    probes: tuple[ProbeResult, ...] = ()
    inventory: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    proof: int | None = None
    age: str = "newest"
    opened_by: str = "host"

    def to_json(self) -> dict[str, Any]:
        """The contract of ``stead drill --json`` (schema 1)."""
        raw = asdict(self)
        raw["verdict"] = self.verdict.value
        raw["probes"] = [{**asdict(p), "verdict": p.verdict.value} for p in self.probes]
        return {"schema": 1, **raw}


@dataclass(frozen=True)
class Facts:
    """Everything a drill saw, before judging."""

    newest_snapshot: bool
    snapshot_time: datetime
    now: datetime
    lose_at_most: float
    markers: tuple[MarkerReading, ...]
    probes: tuple[ProbeResult, ...]
    differences: Sequence[str]
    vanished: Sequence[str]
    place_errors: Sequence[str]
    losses: Sequence[str]
    unsealed: Sequence[str]


def recovery_point(facts: Facts) -> float | None:
    """Seconds of data that would be lost: from the stalest service's newest marker until now (or, for an older
    snapshot asked for by name, until that snapshot began). None: some service has no marker."""
    moments = [reading.newest for reading in facts.markers]
    if not moments or None in moments:
        return None
    until = facts.now if facts.newest_snapshot else facts.snapshot_time
    return max(0.0, (until - min(moment for moment in moments if moment is not None)).total_seconds())


def judge(facts: Facts) -> tuple[Verdict, str | None]:
    """The verdict and its reason: the first cause in the order in which causes explain each other."""
    causes = [
        _listed("the sealed network was not sealed", facts.unsealed),
        _listed("the place lost what was put there", facts.losses),
        _listed("the place gave damaged data", facts.place_errors),
        _listed("data is gone", facts.vanished),
        _listed("not everything came back", facts.differences),
        _listed("capabilities failed", [f"{p.name}: {p.detail}" for p in facts.probes if p.verdict is Verdict.FAIL]),
        _markers(facts),
    ]
    failed = next((cause for cause in causes if cause), None)
    if failed:
        return Verdict.FAIL, failed
    untried = [f"{p.name}: {p.detail}" for p in facts.probes if p.verdict is Verdict.UNPROVEN]
    if untried or not facts.probes:
        return Verdict.UNPROVEN, _listed("could not be tried", untried) or "no probe ran"
    return Verdict.PASS, None


def _markers(facts: Facts) -> str | None:
    lost = [f"{r.service} ({r.detail or 'none found'})" for r in facts.markers if r.newest is None]
    if lost or not facts.markers:
        return _listed("no marker came back", lost or ["of any service"])
    point = recovery_point(facts)
    if point is not None and point > facts.lose_at_most:
        stalest = min(facts.markers, key=lambda r: r.newest or facts.now)
        return (
            f"the newest marker of {stalest.service} is {say_duration(point)} old, "
            f"more than the goal of {say_duration(facts.lose_at_most)}"
        )
    return None


def _listed(words: str, items: Sequence[str], shown: int = 3) -> str | None:
    if not items:
        return None
    more = f" (and {len(items) - shown} more)" if len(items) > shown else ""
    return f"{words}: {'; '.join(items[:shown])}{more}"
