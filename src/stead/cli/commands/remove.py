"""``stead remove``: two steps off this computer; what is precious goes only when it is named."""

from __future__ import annotations

import sys

import click

from stead import live
from stead.cli import installed
from stead.cli.here import Here, acting
from stead.cli.show import show_json
from stead.keeper import stop
from stead.words.errors import UsageError

_STAGES = ("programs", "data", "places", "all")


@click.command()
@click.argument("what", type=click.Choice(_STAGES), default="programs")
@click.option("--name", help="The server's name, to confirm that data or places are to be deleted for ever.")
@acting
def command(here: Here, what: str, name: str | None) -> None:
    """Take Stead off this computer, in two steps.

    Without a word: the server, its programs, units and firewall go; data, places and settings stay. Then, by name:
    `data`, `places` (the folder on this computer's own disk), or `all`, which deletes everything, the program too.
    """
    if what != "programs":
        _confirm(here, what, name)
    stop(here.home)
    left = live.remove(here.home, what)
    if what == "all" and here.home.is_default:
        installed.remove()
    if here.json:
        show_json({"schema": 1, "removed": what, "left": [str(item) for item in left]})
        return
    click.echo(f"Removed: {what}.")
    for item in left:
        click.echo(f"  left: {item}")
    if what == "programs":
        click.echo(f"To delete these, too: stead remove all --name {here.settings.name}")


def _confirm(here: Here, what: str, name: str | None) -> None:
    wanted = here.settings.name
    if name is None and sys.stdin.isatty():
        name = click.prompt(f"This deletes {what} of {wanted} for ever. Type the server's name to go on", err=True)
    if name != wanted:
        raise UsageError(
            f"{what} of {wanted} would be deleted for ever, so it must be named",
            hint=f"stead remove {what} --name {wanted}",
        )
