"""``stead alerts``: what is open and who was told, tests of every way, and the owner's word that they know."""

from __future__ import annotations

from typing import Any

import click

from stead import alerts
from stead.alerts.letter import letter as write_letter
from stead.alerts.state import Alert, State, WayState
from stead.cli.here import Here, acting, reading
from stead.cli.show import show_json, show_table
from stead.keeper.wanted import wishes
from stead.records import Records, Sent
from stead.words.errors import BAD_ANSWER, DONE, UNPROVEN
from stead.words.quantities import say_duration, say_time


@click.group(invoke_without_command=True)
@reading
def command(here: Here) -> None:
    """Alarms: what is open, on which ways you are told, and whether they work."""
    if click.get_current_context().invoked_subcommand is None:
        _list(here)


@command.command("list")
@reading
def list_(here: Here) -> None:
    """List what is open, who was told when, and how each way fares."""
    _list(here)


@command.command()
@acting
def test(here: Here) -> int:
    """Send a test on every way. Exit 1: one of them failed; 3: there is none."""
    wanted = wishes(here.home)
    outcomes = alerts.try_ways(here.home, wanted)
    if here.json:
        ways = [{"way": o.way, "sent": o.good, "detail": o.detail, "seconds": o.seconds} for o in outcomes]
        show_json({"schema": 1, "ways": ways})
    elif not outcomes:
        click.echo("There is no way on which an alarm could reach you.")
        click.echo(f"  next: name two in alerts.urls in {here.home.settings_file} (docs/operate/alerts.md)")
    else:
        rows = [(o.way, "sent" if o.good else "FAILED", say_duration(o.seconds), o.detail) for o in outcomes]
        show_table(("WAY", "TEST", "TIME", "DETAIL"), rows)
        if any(o.good for o in outcomes):
            click.echo("\nEach message holds a code. For each one that arrives: stead alerts ack CODE")
    if not outcomes:
        return UNPROVEN
    return DONE if all(o.good for o in outcomes) else BAD_ANSWER


@command.command()
@click.argument("what", metavar="ID|CODE|all")
@acting
def ack(here: Here, what: str) -> None:
    """Say that you know of an alarm (or all), so that it is not repeated; or that the test with CODE arrived."""
    for sentence in alerts.acknowledge(here.home, what) or ("nothing is open",):
        click.echo(f"Noted: {sentence}")


@command.command()
@reading
def letter(here: Here) -> None:
    """Print the weekly letter as it would be sent now."""
    with Records(here.home.records):
        state = alerts.Memory(here.home).load()
    message = write_letter(here.home, wishes(here.home), state, alerts.Moment.now())
    if here.json:
        show_json({"schema": 1, "title": message.title, "body": message.body})
    else:
        click.echo(message.body)


def _list(here: Here) -> None:
    wanted, now = wishes(here.home), alerts.Moment.now()
    with Records(here.home.records) as records:
        sent = records.sent(limit=20)
    state = alerts.Memory(here.home).load()
    if here.json:
        show_json(_json(state, wanted, sent))
        return
    open_ones = [alert for alert in state.alerts.values() if alert.gone is None]
    click.echo(f"{len(open_ones)} alarm{'s' * (len(open_ones) != 1)} open" if open_ones else "No alarm is open.")
    for alert in open_ones:
        _show(alert, wanted, now)
    click.echo()
    if wanted.ways:
        rows = [_way(name, state, now) for name in (way.name for way in wanted.ways)]
        show_table(("WAY", "STATE", "LAST MESSAGE", "TEST"), rows)
    else:
        click.echo("No way is set up: name two in alerts.urls (docs/operate/alerts.md)")
    fed = state.feeding
    click.echo(f"Dead man's switch: {_fares(fed, now) if wanted.deadman else 'not set up (alerts.deadman)'}")


def _show(alert: Alert, wanted: alerts.Wishes, now: alerts.Moment) -> None:
    click.echo(f"\nalarm: {alert.what}\n  next: {alert.next}\n  since {alert.since}, id {alert.id}")
    for way in wanted.ways:
        told = alert.told.get(way.name)
        times = f"{told.times} time{'s' * (told.times != 1)}, last {_ago(told.at, now)}" if told else "not yet"
        click.echo(f"  told by {way.name}: {times}")
    known = f"acknowledged {alert.acknowledged}" if alert.acknowledged else "not acknowledged"
    click.echo(f"  {known}" + ("" if alert.acknowledged else f" (stead alerts ack {alert.id})"))


def _way(name: str, state: State, now: alerts.Moment) -> tuple[str, str, str, str]:
    way, trial = state.ways.get(name, WayState()), state.trials.get(name)
    tested = "never" if trial is None or trial.at is None else _ago(trial.at, now)
    seen = "" if trial is None or trial.at is None else ", seen" if trial.waiting is None else ", nobody saw it yet"
    return name, _fares(way, now), _ago(way.last, now) if way.last else "none", tested + seen


def _fares(way: WayState, now: alerts.Moment) -> str:
    if way.failing:
        return f"FAILING since {_ago(way.failing, now)}: {way.detail}"
    return f"works ({way.detail}, {_ago(way.last, now)})" if way.last else "not used yet"


def _ago(then: alerts.Moment, now: alerts.Moment) -> str:
    return f"{say_duration(now.since(then, unknown=0.0))} ago"


def _json(state: State, wanted: alerts.Wishes, sent: tuple[Sent, ...]) -> dict[str, Any]:
    names = [way.name for way in wanted.ways]
    return {
        "schema": 1,
        "alarms": [_alarm(alert) for alert in state.alerts.values() if alert.gone is None],
        "ways": [_way_json(name, state) for name in names],
        "deadman": _state_json(state.feeding) if wanted.deadman else None,
        "sent": [
            {"at": say_time(s.at), "way": s.way, "kind": s.kind, "sent": s.good, "detail": s.detail, "about": s.about}
            for s in sent
        ],
    }


def _alarm(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "what": alert.what,
        "since": alert.since,
        "next": alert.next,
        "acknowledged_at": alert.acknowledged,
        "told": {way: {"times": told.times, "last_at": str(told.at)} for way, told in alert.told.items()},
    }


def _way_json(name: str, state: State) -> dict[str, Any]:
    trial = state.trials.get(name)
    tested = str(trial.at) if trial and trial.at else None
    seen = trial.waiting is None if trial and trial.at else None
    return {"name": name, **_state_json(state.ways.get(name, WayState())), "tested_at": tested, "test_seen": seen}


def _state_json(way: WayState) -> dict[str, Any]:
    return {
        "works": way.failing is None if way.tried else None,
        "last_at": str(way.last) if way.last else None,
        "failing_since": str(way.failing) if way.failing else None,
        "detail": way.detail,
    }
