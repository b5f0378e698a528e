"""``stead endpoints``: where each protocol is reached."""

from __future__ import annotations

import click

from stead import live
from stead.cli.here import Here, reading
from stead.cli.show import show_json, show_table


@click.command()
@reading
def command(here: Here) -> None:
    """Where each protocol is reached, and the certificate authority's file."""
    found = live.endpoints(here.home, here.settings)
    if here.json:
        show_json({"schema": 1, **found})
    else:
        show_table(("WHAT", "WHERE"), list(found.items()))
