"""``stead drill``: boot a backup and find out whether it really works."""

from __future__ import annotations

from datetime import datetime

import click

from stead import recovery, rehearsal
from stead.backup import read_budget, resting
from stead.cli.here import Here, acting, by_keeper
from stead.cli.progress import shown
from stead.cli.show import show_json, show_table, verdict
from stead.rehearsal.ages import TURN
from stead.rehearsal.known import place_settings
from stead.rehearsal.report import DrillReport
from stead.words.age import Age
from stead.words.errors import DONE, UNPROVEN, UsageError
from stead.words.quantities import say_duration


@click.command()
@click.option("--full", is_flag=True, help="Restore to disk with the kit's secrets alone; compare every byte.")
@click.option("--place", help="The place to drill (default: the first one).")
@click.option("--snapshot", help="This snapshot instead of the newest.")
@click.option("--release", help="This release, or `place` for the one kept in the place.")
@click.option("--age", type=click.Choice([*Age, TURN]), help="An older backup; `turn`: the one whose turn it is.")
@by_keeper
@acting
def command(here: Here, full: bool, by_keeper: bool, **wanted: str | None) -> int:
    """Boot the newest backup in a sealed network and find out whether everything is in it."""
    if wanted["age"] and wanted["snapshot"]:
        raise UsageError("--age and --snapshot both say which backup", hint="give one of them")
    place, budget = wanted["place"], None
    if by_keeper and place:
        (its,) = place_settings(here.home, here.settings, place)
        if resting(its, datetime.now()):
            click.echo(f"{place} has its quiet hours")
            # A full drill is due once a month: it must come again soon.
            return UNPROVEN if full else DONE
        budget = read_budget(here.home, its)
    with shown(here.home, "full-drill" if full else "drill") as progress:
        act = recovery.full_drill if full else rehearsal.drill
        report = act(here.home, here.settings, progress, budget=budget, **wanted)
    if here.json:
        show_json(report.to_json())
    else:
        _show(report)
    return report.verdict.exit_code


def _show(report: DrillReport) -> None:
    age = "" if report.age == Age.NEWEST else f" ({report.age})"
    where = ""
    if report.snapshot is not None:
        where = f", snapshot {report.snapshot[:8]}{age} of {report.place}"
        where += f", {report.release} from {report.release_from}" if report.release else ""
    click.echo(f"Drill ({report.method}): {verdict(report.verdict)}{where}")
    if report.reason:
        click.echo(f"  reason: {report.reason}")
    if report.recovery_point_seconds is not None and report.recovery_time_seconds is not None:
        point, seconds = say_duration(report.recovery_point_seconds), say_duration(report.recovery_time_seconds)
        click.echo(f"  would lose {point}; was up and proven in {seconds}")
    if report.snapshot is None:
        click.echo("  next: stead backup run; stead status says what is wrong with which place")
    if report.steps:
        click.echo(f"  steps: {', '.join(f'{step.name} {say_duration(step.seconds)}' for step in report.steps)}")
    rows = [(p.service, p.name, verdict(p.verdict), f"{p.seconds:.2f} s", p.detail) for p in report.probes]
    if rows:
        click.echo()
        show_table(("SERVICE", "PROBE", "VERDICT", "TIME", "DETAIL"), rows)
    for service, totals in report.inventory.items():
        click.echo(f"  {service}: {', '.join(f'{count} {what}' for what, count in totals.items())}")
    for note in report.notes:
        click.echo(f"  note: {note}")
    if report.proof is not None:
        click.echo(f"  proof {report.proof}")
