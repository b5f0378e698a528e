"""``stead down``: stop the server and its keeper; nothing is left mounted, running or firewalled."""

from __future__ import annotations

import click

from stead import live
from stead.cli.here import Here, acting
from stead.cli.progress import shown
from stead.cli.show import show_json
from stead.keeper import stop


@click.command()
@acting
def command(here: Here) -> None:
    """Stop the server; nothing is left mounted, running or firewalled. Data and places stay."""
    with shown(here.home, "down") as progress:
        with progress.step("stopping the keeper"):
            stop(here.home)
        live.down(here.home, progress)
    if here.json:
        show_json({"schema": 1, "running": False})
    else:
        click.echo("The server is down. Start it again: stead up")
