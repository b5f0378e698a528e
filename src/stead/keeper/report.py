"""The status report as JSON: the contract of ``stead status --json`` (schema 1)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from stead.keeper.copies import digits
from stead.keeper.facts import PlaceFact
from stead.keeper.status import ServiceStatus, StatusReport
from stead.words.quantities import say_time
from stead.words.verdict import Verdict


def to_json(report: StatusReport) -> dict[str, Any]:
    """The whole report."""
    facts, recovery = report.facts, report.recovery
    return {
        "schema": 1,
        "host": facts.host,
        "domain": facts.domain,
        "now": say_time(facts.now),
        "sleep": report.sleep.value,
        "sentence": report.sentence,
        "running": facts.running,
        "keeper": facts.keeper,
        "release": asdict(facts.release) if facts.release else None,
        "endpoints": dict(facts.endpoints),
        "services": [_service(service) for service in report.services],
        "recovery": {**asdict(recovery), "proven_at": _time(recovery.proven_at)} if recovery else None,
        "places": [_place(report, place) for place in facts.places],
        "copies": {
            digit.name: {"wanted": digit.wanted, "measured": digit.measured, "holds": digit.holds}
            for digit in digits(facts)
        },
        "findings": [{**asdict(finding), "severity": finding.severity.value} for finding in report.findings],
    }


def _service(service: ServiceStatus) -> dict[str, Any]:
    oldest = min((checked.checked_at for checked in service.probes), default=None)
    return {
        "name": service.name,
        "verdict": service.verdict.value,
        "checked_at": _time(oldest),
        "probes": [
            {
                "name": checked.result.name,
                "verdict": checked.result.verdict.value,
                "seconds": round(checked.result.seconds, 3),
                "detail": checked.result.detail,
            }
            for checked in service.probes
        ],
    }


def place_verdict(report: StatusReport, place: PlaceFact) -> Verdict:
    """A place holds what it should if its last drill says so and is recent; the worst of all ages and ways counts."""
    drills = [place.last_drill, place.last_full, *(last for _age, last in place.older)]
    if any(last is not None and last.verdict is Verdict.FAIL for last in drills) or _damaged(place):
        return Verdict.FAIL
    return Verdict.PASS if report.facts.proven(place) else Verdict.UNPROVEN


def _place(report: StatusReport, place: PlaceFact) -> dict[str, Any]:
    return {
        "name": place.name,
        "url_without_secrets": place.url,
        "survives_this_computer": place.survives,
        "verdict": place_verdict(report, place).value,
        "newest_snapshot": place.newest_snapshot,
        "newest_at": _time(place.newest_at),
        "age_seconds": round(report.facts.age(place.newest_at)) if place.newest_at else None,
        "read_back_within_days": _days_read_back(report, place),
        "drilled_at": _time(place.last_drill.at if place.last_drill else None),
        "full_drill_passed_at": _time(place.full_passed_at),
        "drills": {age: {"verdict": last.verdict.value, "at": _time(last.at)} for age, last in place.older},
    }


def _days_read_back(report: StatusReport, place: PlaceFact) -> float | None:
    """The real age of the oldest reading; None until everything was read once."""
    reading = place.reading
    return round(report.facts.age(reading.oldest_at) / 86400, 1) if reading and reading.whole else None


def _damaged(place: PlaceFact) -> bool:
    return place.reading is not None and bool(place.reading.damage)


def _time(moment: datetime | None) -> str | None:
    return say_time(moment) if moment else None
