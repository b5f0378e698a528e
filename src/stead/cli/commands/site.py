"""``stead site``: the personal web page."""

from __future__ import annotations

from pathlib import Path

import click

from stead.cli.here import Here, acting
from stead.cli.publishing import publish as publish_folder
from stead.cli.show import show_json
from stead.words.quantities import say_size


@click.group()
def command() -> None:
    """The personal web page."""


@command.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@acting
def publish(here: Here, folder: Path) -> None:
    """Make FOLDER the web page: its files replace those that are shown now, all at once."""
    published = publish_folder(here.home.data, folder)
    if here.json:
        show_json({"schema": 1, "files": published.files, "bytes": published.size, "left_out": published.left_out})
        return
    click.echo(f"The web page is now: {published.files} file(s), {say_size(published.size)}.")
    for name in published.left_out:
        click.echo(f"  left out, as it is no plain file: {name}")
