"""The judgement: facts in, the sentence and the whole report out. Pure; what was not measured is said so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from stead.keeper.facts import Facts
from stead.keeper.findings import PROBES_STALE, findings
from stead.keeper.recovery import Recovery, best
from stead.records.nouns import CheckedProbe
from stead.words.errors import BAD_ANSWER, DONE, UNPROVEN
from stead.words.quantities import say_duration
from stead.words.verdict import Finding, Severity, Verdict, worst


class Sleep(StrEnum):
    """Whether the owner can sleep."""

    YES = "yes"
    NO = "no"
    UNPROVEN = "unproven"


@dataclass(frozen=True)
class ServiceStatus:
    """One service: the worst of its probes, made lately enough."""

    name: str
    verdict: Verdict
    probes: tuple[CheckedProbe, ...]


@dataclass(frozen=True)
class StatusReport:
    """What ``stead status`` shows."""

    facts: Facts
    sleep: Sleep
    sentence: str
    services: tuple[ServiceStatus, ...]
    recovery: Recovery | None
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """The contract's code: all well, something is wrong, something is unproven."""
        return {Sleep.YES: DONE, Sleep.NO: BAD_ANSWER, Sleep.UNPROVEN: UNPROVEN}[self.sleep]

    def since(self, kept: Sequence[Finding]) -> StatusReport:
        """The same report, each finding with the ``since`` that the records kept for it."""
        times = {finding.id: finding.since for finding in kept}
        return replace(self, findings=tuple(replace(f, since=times.get(f.id, f.since)) for f in self.findings))


@dataclass(frozen=True)
class _Obstacle:
    """A reason against a yes."""

    sleep: Sleep
    what: str
    next: str


def judge(facts: Facts) -> StatusReport:
    """Judge one host at one moment."""
    found = findings(facts)
    services = _services(facts)
    recovery = best(facts)
    obstacles = [*_alarms(found), *_recovery(facts, recovery, found), *_unproven_services(services)]
    first = next((o for o in obstacles if o.sleep is Sleep.NO), None) or next(iter(obstacles), None)
    sleep = first.sleep if first else Sleep.YES
    return StatusReport(facts, sleep, _sentence(facts, recovery, first), services, recovery, found)


def _services(facts: Facts) -> tuple[ServiceStatus, ...]:
    names = dict.fromkeys((*facts.services, *(checked.result.service for checked in facts.probes)))
    return tuple(_service(facts, name) for name in names)


def _service(facts: Facts, name: str) -> ServiceStatus:
    probes = tuple(checked for checked in facts.probes if checked.result.service == name)
    if not facts.running:
        return ServiceStatus(name, Verdict.FAIL if facts.set_up else Verdict.UNPROVEN, probes)
    verdict = worst(checked.result.verdict for checked in probes)
    stale = any(facts.age(checked.checked_at) > PROBES_STALE for checked in probes)
    return ServiceStatus(name, Verdict.UNPROVEN if stale and verdict is Verdict.PASS else verdict, probes)


def _alarms(found: Sequence[Finding]) -> list[_Obstacle]:
    return [_Obstacle(Sleep.NO, f.what, f.next) for f in found if f.severity is Severity.ALARM]


def _unproven_services(services: Sequence[ServiceStatus]) -> list[_Obstacle]:
    unsure = [service.name for service in services if service.verdict is not Verdict.PASS]
    if services and not unsure:
        return []
    return [_Obstacle(Sleep.UNPROVEN, f"not probed lately: {', '.join(unsure) or 'any service'}", "stead probe")]


def _recovery(facts: Facts, recovery: Recovery | None, found: Sequence[Finding]) -> list[_Obstacle]:
    """Obstacles in what a loss of this computer would mean."""
    if recovery is None:
        return [_Obstacle(Sleep.NO, "there is no backup at all", "stead backup run")]
    if not recovery.survives:
        what = "the only backup is on this computer's own disk; if it died now, everything would be lost"
        return [_Obstacle(Sleep.NO, what, _next(found, "same-disk-only"))]
    place = next(p for p in facts.places if p.name == recovery.place)
    if not facts.proven(place):
        missing = next((f for f in found if f.id.startswith("drill-") and f.id.endswith(f":{place.name}")), None)
        what = missing.what if missing else f"no drill of {place.name} passed lately"
        return [_Obstacle(Sleep.UNPROVEN, what, missing.next if missing else "stead drill")]
    return _goals(facts, recovery, found)


def _goals(facts: Facts, recovery: Recovery, found: Sequence[Finding]) -> list[_Obstacle]:
    obstacles = []
    point, seconds, goals = recovery.point_seconds, recovery.time_seconds, facts.goals
    if point is None:
        obstacles.append(_Obstacle(Sleep.UNPROVEN, "it is not known what would be lost", "stead backup run"))
    elif point > goals.lose_at_most:
        what = f"you would lose {say_duration(point)} of data, the goal is {say_duration(goals.lose_at_most)}"
        obstacles.append(_Obstacle(Sleep.NO, what, "stead backup run"))
    if (recovery.drill_seconds or 0.0) + (recovery.prepare_seconds or 0.0) > goals.back_within:
        known = (recovery.drill_seconds or 0.0) + (recovery.prepare_seconds or 0.0)
        what = f"it would take {say_duration(known)} to be back, the goal is {say_duration(goals.back_within)}"
        obstacles.append(_Obstacle(Sleep.NO, what, f"a faster place, or another goal in {facts.settings_file}"))
    elif seconds is None:
        what = "how long an empty computer needs to get the program and its packages was never measured"
        obstacles.append(_Obstacle(Sleep.UNPROVEN, what, _next(found, "prepare-unmeasured")))
    return obstacles


def _next(found: Sequence[Finding], key: str) -> str:
    return next((finding.next for finding in found if finding.id == key), "stead up")


def _sentence(facts: Facts, recovery: Recovery | None, obstacle: _Obstacle | None) -> str:
    if obstacle is None and recovery is not None and recovery.proven_at is not None:
        return (
            f"You can sleep: if this computer died now you would lose {say_duration(recovery.point_seconds or 0.0)} of "
            f"data and be back in {say_duration(recovery.time_seconds or 0.0)} on a new one "
            f"(proven {say_duration(facts.age(recovery.proven_at))} ago)."
        )
    assert obstacle is not None
    begin = "You cannot sleep yet" if obstacle.sleep is Sleep.NO else "It is not proven that you can sleep"
    return f"{begin}: {obstacle.what}. Next: {obstacle.next}."
