"""``stead data-mount``: bring the data's file system to its place; the host's units call it before the machine."""

from __future__ import annotations

import click

from stead import data
from stead.cli.here import Here, home_option, pass_here


@click.command(hidden=True)
@click.option("--off", is_flag=True, help="Unmount instead.")
@home_option
@pass_here
def command(here: Here, off: bool) -> None:
    """Mount data (or unmount it)."""
    here.need_root()
    if off:
        data.unmount(here.home)
    else:
        wanted = here.settings.data
        data.ensure_volume(here.home, size=wanted.first_size, own_btrfs=wanted.btrfs)
