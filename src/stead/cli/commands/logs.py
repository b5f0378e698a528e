"""``stead logs``: the machine's log as it was received on the host."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import click

from stead import machine, services
from stead.cli.here import Here, reading
from stead.machine.logs import LogLine
from stead.words.errors import UsageError
from stead.words.quantities import parse_duration, say_time


@click.command()
@click.option("--service", help="Only this service (mail), or unit (dovecot).")
@click.option("--since", default="1h", show_default=True, help="How far back, such as 15m, 2h or 3d.")
@click.option(
    "--last", type=click.IntRange(1, 1_000_000), default=200, show_default=True, help="At most so many lines."
)
@reading
def command(here: Here, service: str | None, since: str, last: int) -> None:
    """The server's log."""
    try:
        begin = datetime.now(UTC) - timedelta(seconds=parse_duration(since))
    except ValueError as wrong:
        raise UsageError(f'--since "{since}" will not do; allowed is {wrong}') from None
    units = _units(service) if service else None
    lines = machine.read_logs(here.home, "live", None, begin)
    _show(here, deque((line for line in lines if units is None or line.unit in units), maxlen=last))


def _units(name: str) -> set[str]:
    """The units of a service of ours, or the one unit of that name."""
    known = next((service for service in services.SERVICES if service.name == name), None)
    names = known.units if known else (name,)
    return {unit if "." in unit else f"{unit}.service" for unit in names}


def _show(here: Here, lines: Iterable[LogLine]) -> None:
    for line in lines:
        if here.json:
            fields = {"time": say_time(line.time), "unit": line.unit, "priority": line.priority}
            click.echo(json.dumps({**fields, "message": line.message}))
        else:
            click.echo(f"{say_time(line.time)} {line.unit.removesuffix('.service')}: {line.message}")
