"""``stead status``: the sentence first, then what it stands on."""

from __future__ import annotations

from datetime import datetime

import click

from stead.cli.here import Here, reading
from stead.cli.show import show_json, show_table, verdict
from stead.keeper.copies import digits
from stead.keeper.facts import PlaceFact
from stead.keeper.looking import look
from stead.keeper.recovery import Recovery
from stead.keeper.report import place_verdict, to_json
from stead.keeper.status import Sleep, StatusReport
from stead.words.quantities import say_duration
from stead.words.verdict import Severity

_COLOURS = {Sleep.YES: "green", Sleep.NO: "red", Sleep.UNPROVEN: "yellow"}
_MARKS = {Severity.ALARM: "red", Severity.WARNING: "yellow", Severity.NOTE: "blue"}


@click.command()
@reading
def command(here: Here) -> int:
    """Can you sleep? Exit 0: yes; 1: something is wrong; 3: something is unproven."""
    report = look(here.home, here.settings)
    if here.json:
        show_json(to_json(report))
    else:
        _show(report)
    return report.exit_code


def _show(report: StatusReport) -> None:
    click.secho(report.sentence, fg=_COLOURS[report.sleep], bold=True)
    facts = report.facts
    if report.services:
        click.echo()
        show_table(("SERVICE", "VERDICT", "CHECKED", "WHAT IS WRONG"), [_service(report, n) for n in _names(report)])
    if facts.places:
        click.echo()
        rows = []
        for place in facts.places:
            where = place.url if place.survives else f"{place.url} (same disk)"
            drilled = place.last_pass.at if place.last_pass else None
            ages = [_ago(report, moment) for moment in (place.newest_at, drilled, place.full_passed_at)]
            row = (place.name, verdict(place_verdict(report, place)), *ages, _read_back(report, place), where)
            rows.append(row)
        show_table(("PLACE", "PROVEN", "NEWEST BACKUP", "DRILLED", "IN FULL", "ALL READ BACK", "WHERE"), rows)
        found = digits(facts)
        click.echo(f"3-2-1-1-0 as measured: {'-'.join(digit.said for digit in found)}", nl=False)
        click.echo(f" ({', '.join(digit.words for digit in found)})")
    if report.recovery:
        click.echo()
        _show_recovery(report, report.recovery)
    for finding in report.findings:
        click.echo()
        click.echo(click.style(f"{finding.severity.value}: ", fg=_MARKS[finding.severity]) + finding.what)
        click.echo(f"  next: {finding.next}")


def _ago(report: StatusReport, moment: datetime | None) -> str:
    return f"{say_duration(report.facts.age(moment))} ago" if moment else "never"


def _read_back(report: StatusReport, place: PlaceFact) -> str:
    reading = place.reading
    if reading is None or not reading.whole:
        return "not yet"
    return f"within {say_duration(report.facts.age(reading.oldest_at))}"


def _names(report: StatusReport) -> list[str]:
    return [service.name for service in report.services]


def _service(report: StatusReport, name: str) -> tuple[str, str, str, str]:
    service = next(s for s in report.services if s.name == name)
    oldest = min((checked.checked_at for checked in service.probes), default=None)
    age = f"{say_duration(report.facts.age(oldest))} ago" if oldest else "never"
    bad = [f"{c.result.name}: {c.result.detail}" for c in service.probes if c.result.verdict.value != "pass"]
    return name, verdict(service.verdict), age, "; ".join(bad)


def _show_recovery(report: StatusReport, recovery: Recovery) -> None:
    def said(seconds: float | None) -> str:
        return say_duration(seconds) if seconds is not None else "not measured"

    proven = f"{say_duration(report.facts.age(recovery.proven_at))} ago" if recovery.proven_at else "never"
    click.echo(f"Recovery from {recovery.place}, drilled {proven}:")
    click.echo(f"  lost: {said(recovery.point_seconds)}; back on a new computer in {said(recovery.time_seconds)}")
    click.echo(
        f"  of that: program and packages {said(recovery.prepare_seconds)}, "
        f"open, boot and probe {said(recovery.drill_seconds)}"
    )
