"""``stead up``: from nothing to a proven server."""

from __future__ import annotations

import click

from stead import live, recovery
from stead.cli.here import Here, acting
from stead.cli.progress import shown
from stead.cli.show import show_json
from stead.keeper import ensure_running, prepared
from stead.keeper.noting import note_endpoints
from stead.settings import load, save_domain


@click.command()
@click.option("--domain", help="Write this domain into the settings and go public.")
@acting
def command(here: Here, domain: str | None) -> int:
    """From nothing to a proven server; again: brings it to what the settings say."""
    if domain:
        save_domain(here.home, domain)
    settings = load(here.home)
    prepared.note(here.home)
    with shown(here.home, "up") as progress:
        went_on = recovery.go_on(here.home, settings, progress)
        summary = went_on.up if went_on else live.up(here.home, settings, progress)
        with progress.step("the keeper"):
            note_endpoints(here.home, summary.endpoints)
            ensure_running(here.home)
    if here.json:
        show_json(summary.to_json())
    else:
        click.echo(summary.words())
    return summary.exit_code
