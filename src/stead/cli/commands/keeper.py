"""``stead keeper``: the daemon itself, in the foreground; ``stead up`` and the host's units start it."""

from __future__ import annotations

import os
import sys

import click

from stead.cli.here import Here, home_option, pass_here
from stead.keeper.running import environment, of, stop_file


@click.command()
@home_option
@pass_here
def command(here: Here) -> None:
    """The daemon that does the work, day and night (stead up starts it)."""
    here.need_root()
    stop_file(here.home).unlink(missing_ok=True)  # asked for by hand after a down, it is wanted
    # A program of its own, without the command line's libraries: it stays in memory for months.
    command_line = [sys.executable, "-m", "stead.keeper", *of(here.home)]
    os.execve(sys.executable, command_line, {**os.environ, **environment()})
