"""``stead export``: everything of one account, in open formats."""

from __future__ import annotations

from pathlib import Path

import click

from stead.cli.here import Here, acting
from stead.cli.progress import shown
from stead.cli.show import show_json
from stead.exchange.exporting import give_out
from stead.exchange.known import account_or_error


@click.command()
@click.argument("user")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--mail",
    "form",
    type=click.Choice(["maildir", "mbox"]),
    default="maildir",
    show_default=True,
    help="A Maildir for each mail folder (every byte as received), or an mbox file.",
)
@acting
def command(here: Here, user: str, folder: Path, form: str) -> None:
    """Give everything of the account USER into the new FOLDER: mail, calendars, contacts, files, and a README."""
    account_or_error(here.home, here.settings, user)
    with shown(here.home, "export") as progress:
        counts = give_out(here.home, user, folder, form, progress)
    if here.json:
        show_json({"schema": 1, "user": user, "folder": str(folder.absolute()), "given": counts})
    else:
        words = ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()))
        click.echo(f"In {folder}: {words or 'nothing'}. What is what: {folder / 'README.txt'}")
