"""``stead backup``: make one now, list what is in the places, explain how each folder is saved, prune, verify."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import click

from stead import backup as copies
from stead import live, restore, services
from stead.cli.here import Here, acting, by_keeper, reading
from stead.cli.progress import shown
from stead.cli.show import show_json, show_table, verdict
from stead.keeper.looking import places
from stead.keeper.places import place_names
from stead.live.layer import throw_away_layer
from stead.records import Records
from stead.rehearsal.known import place_settings
from stead.words.declaration import Saved
from stead.words.errors import DONE, UNPROVEN, UsageError
from stead.words.quantities import say_duration, say_size, say_time
from stead.words.verdict import Verdict, worst

_SAVED = {
    Saved.WHOLE: "every file, from an atomic picture",
    Saved.DATABASE: "by the database's own backup",
    Saved.NO: "not saved",
}


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> object:
    """Backups. Without a word: make one now."""
    return context.invoke(run) if context.invoked_subcommand is None else None


@command.command()
@click.option("--place", help="Only to this place.")
@by_keeper
@acting
def run(here: Here, place: str | None = None, by_keeper: bool = False) -> int:
    """Make a backup now, to every place."""
    with shown(here.home, "backup") as progress:
        outcomes = live.backup(here.home, here.settings, progress, place, by_keeper=by_keeper)
        restore.keep_learning(here.home, here.settings, progress)
    # No place at all: all of them have their quiet hours.
    whole = worst(outcome.verdict for outcome in outcomes) if outcomes else Verdict.PASS
    if here.json:
        found = [{**asdict(outcome), "verdict": outcome.verdict.value} for outcome in outcomes]
        show_json({"schema": 1, "verdict": whole.value, "places": found})
    else:
        rows = [
            (o.place, verdict(o.verdict), (o.snapshot or "")[:8], say_duration(o.seconds), o.reason or "")
            for o in outcomes
        ]
        show_table(("PLACE", "VERDICT", "SNAPSHOT", "TIME", "REASON"), rows)
    return whole.exit_code


@command.command("list")
@click.option("--place", help="Only of this place.")
@reading
def list_(here: Here, place: str | None) -> None:
    """List the backups known to be in the places, newest first."""
    names = place_names(here.settings)
    if place and place not in names:
        raise UsageError(f"there is no place {place}", hint="stead backup places lists them")
    with Records(here.home.records) as records:
        found = [s for name in names if place in (None, name) for s in records.snapshots(name)]
    if here.json:
        rows = [{"place": s.place, "id": s.id, "data_at": say_time(s.data_at), "release": s.release} for s in found]
        show_json({"schema": 1, "snapshots": rows})
    else:
        table = [(say_time(s.data_at), s.place, s.id[:8], _size(s.detail.get("size")), s.release or "") for s in found]
        show_table(("DATA OF", "PLACE", "SNAPSHOT", "SIZE", "RELEASE"), table)


@command.command("places")
@reading
def places_(here: Here) -> None:
    """List the places."""
    with Records(here.home.records) as records:
        found = places(here.home, here.settings, records)
    if here.json:
        rows = [
            {
                "name": p.name,
                "url_without_secrets": p.url,
                "survives_this_computer": p.survives,
                "newest_snapshot": p.newest_snapshot,
                "newest_at": say_time(p.newest_at) if p.newest_at else None,
            }
            for p in found
        ]
        show_json({"schema": 1, "places": rows})
    else:
        table = [
            (p.name, say_time(p.newest_at) if p.newest_at else "none", p.url, "" if p.survives else "same disk")
            for p in found
        ]
        show_table(("PLACE", "NEWEST BACKUP", "WHERE", ""), table)


@command.command()
@reading
def explain(here: Here) -> None:
    """Say what is saved and how, what is not and why, and what the machine keeps where no backup reaches."""
    declared = [(service.name, folder) for service in services.SERVICES for folder in service.folders]
    folders = copies.explained(here.home, declared)
    others = copies.undeclared(here.home, declared)
    upper = throw_away_layer(here.home)
    outside = copies.outside_data(upper) if upper else None
    if here.json:
        rows = [{**asdict(f), "folder": f.path, "saved": f.saved.value} for f in folders]
        show_json(
            {
                "schema": 1,
                "folders": rows,
                "others": others,
                "outside": None if outside is None else [asdict(one) for one in outside],
            }
        )
        return
    table = [(f.service, f.path, _size(f.size), _SAVED[f.saved], f.why) for f in folders]
    show_table(("SERVICE", "FOLDER", "SIZE", "SAVED", "WHY"), table)
    click.echo("\nWith each of them: settings, the release's recipe and id, accounts, keys, and a list of every file.")
    if others:
        click.echo(f"Saved whole, too, though no service names them: {', '.join(others)}")
    if outside is None:
        click.echo("Not looked at: what the machine keeps outside data. That needs root, and a running machine.")
    for one in outside or ():
        click.echo(f"NOT SAVED: {one.path} ({_size(one.size)}) lies outside data and is gone at the next restart")


@command.command()
@click.option("--place", help="Only this place.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@by_keeper
@acting
def prune(here: Here, place: str | None, dry_run: bool, by_keeper: bool) -> int:
    """Remove the backups that retention lets go, and count afterwards that nothing else is gone."""
    with shown(here.home, "prune") as progress:
        outcomes = live.prune(here.home, here.settings, progress, place, dry_run=dry_run, by_keeper=by_keeper)
    if not outcomes:
        # All of them have their quiet hours.
        return DONE
    whole = worst(outcome.verdict for outcome in outcomes)
    if here.json:
        found = [{**asdict(o), "verdict": o.verdict.value, "listed": len(o.listed)} for o in outcomes]
        show_json({"schema": 1, "verdict": whole.value, "dry_run": dry_run, "places": found})
        return whole.exit_code
    rows = [
        (o.place, verdict(o.verdict), str(len(o.removed)), str(len(o.waiting)), str(o.kept), o.reason or "")
        for o in outcomes
    ]
    show_table(("PLACE", "VERDICT", "REMOVED", "MAY GO", "KEPT", "REASON"), rows)
    if any(outcome.elsewhere for outcome in outcomes):
        click.echo("\nNot pruned from here, because nothing here may delete there. Where that is allowed, type:")
        click.echo(f"  {copies.command_elsewhere(here.settings.retention)}")
    return whole.exit_code


@command.command()
@click.option("--place", help="Only this place.")
@click.option("--all", "whole", is_flag=True, help="Everything now, not only the part whose turn it is.")
@by_keeper
@acting
def verify(here: Here, place: str | None, whole: bool, by_keeper: bool) -> int:
    """Read a part of every place back and compare it with what was stored; each part comes in its turn."""
    wanted = place_settings(here.home, here.settings, place)
    if by_keeper and any(copies.resting(one, datetime.now()) for one in wanted):
        click.echo("the place has its quiet hours")
        return UNPROVEN
    with shown(here.home, "verify") as progress:
        outcomes = live.read_back(here.home, here.settings, progress, place, whole=whole)
    verdict_ = worst(outcome.verdict for outcome in outcomes)
    if here.json:
        found = [{**asdict(outcome), "verdict": outcome.verdict.value} for outcome in outcomes]
        show_json({"schema": 1, "verdict": verdict_.value, "places": found})
    else:
        rows = [
            (o.place, verdict(o.verdict), o.slice, say_size(o.size), say_duration(o.seconds), o.reason or "")
            for o in outcomes
        ]
        show_table(("PLACE", "VERDICT", "PART", "READ", "TIME", "REASON"), rows)
    return verdict_.exit_code


@command.command()
@acting
def accept(here: Here) -> int:
    """Say that the changes which looked wrong were meant: pruning goes on."""
    meant = copies.accept(here.home)
    with Records(here.home.records) as records:
        records.set_findings("changes", [], datetime.now(UTC))
    if here.json:
        show_json({"schema": 1, "accepted": meant})
    else:
        click.echo("\n".join(f"accepted: {what}" for what in meant) or "nothing looked wrong")
    return DONE


def _size(size: object) -> str:
    return say_size(size) if isinstance(size, int) else ""
