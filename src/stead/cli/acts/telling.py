"""Telling the owner, and the watcher outside."""

from __future__ import annotations

import click

from stead import alerts
from stead.cli.here import Here
from stead.keeper.wanted import wishes


def alerts_(here: Here) -> None:
    """Tell the owner what there is to tell."""
    failed = [f"{o.way}: {o.detail}" for o in alerts.tell(here.home, wishes(here.home)) if not o.good]
    for words in failed:
        click.echo(f"stead: not sent by {words}", err=True)


def deadman(here: Here) -> None:
    """Feed the dead man's switch if the drills say so."""
    alerts.feed_deadman(here.home, wishes(here.home))
