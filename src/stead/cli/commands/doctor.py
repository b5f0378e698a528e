"""``stead doctor``: a look at the host."""

from __future__ import annotations

from dataclasses import asdict

import click

from stead import machine, services
from stead.cli.here import Here, reading
from stead.cli.show import show_json, show_table, verdict
from stead.keeper.host import look_at_host
from stead.rehearsal.known import port_shift
from stead.words.verdict import Verdict, worst


@click.command()
@reading
def command(here: Here) -> int:
    """Look at this computer: can it run a server, and what is in the way?"""
    live = machine.find(here.home, "live")
    made = (here.home.lib / "port-shift.json").exists()
    shift = port_shift(here.home, here.settings) if made else here.settings.local.port_shift
    looks = look_at_host(here.home, here.settings, services.all_ports(), shift=shift, running=live is not None)
    whole = worst(look.verdict for look in looks)
    if here.json:
        items = [{**asdict(look), "verdict": look.verdict.value} for look in looks]
        show_json({"schema": 1, "verdict": whole.value, "items": items})
    else:
        show_table(("WHAT", "VERDICT", "FOUND"), [(look.name, verdict(look.verdict), look.what) for look in looks])
        for look in looks:
            if look.verdict is not Verdict.PASS and look.next:
                click.echo(f"{look.name}: next: {look.next}")
    return whole.exit_code
