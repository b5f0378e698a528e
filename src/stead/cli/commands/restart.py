"""``stead restart``: stop the machine and start it again, the keeper goes on."""

from __future__ import annotations

import click

from stead import live
from stead.cli.here import Here, acting
from stead.cli.progress import shown
from stead.cli.show import show_json


@click.command()
@acting
def command(here: Here) -> None:
    """Stop the server and start it again."""
    with shown(here.home, "restart") as progress:
        live.restart(here.home, here.settings, progress)
    if here.json:
        show_json({"schema": 1, "running": True})
    else:
        click.echo("The server was restarted.")
