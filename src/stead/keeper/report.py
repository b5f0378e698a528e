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
    """A place holds what it should if its last drill says so and is recent."""
    last = place.last_drill
    if last is not None and last.verdict is Verdict.FAIL:
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
        "read_back_within_days": None,
    }


def _time(moment: datetime | None) -> str | None:
    return say_time(moment) if moment else None
