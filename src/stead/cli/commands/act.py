"""``stead act``: the keeper's small acts, each run as a child of its own. Hidden: the owner has no need of them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import click

from stead import alerts, data, kit, live, machine, recovery
from stead.cli.here import Here, home_option, pass_here
from stead.keeper.looking import look as look_at
from stead.keeper.noting import note_endpoints
from stead.keeper.wanted import wishes
from stead.records import Records
from stead.rehearsal.lock import Busy, held
from stead.words.errors import SteadError
from stead.words.progress import Silent
from stead.words.verdict import Finding


@click.group(hidden=True)
def command() -> None:
    """The keeper's small acts."""


@command.command()
@home_option
@pass_here
def sweep(here: Here) -> None:
    """Take away what dead rehearsals and machines left."""
    with held(here.home, "drill", wait=60):
        live.clean(here.home)


@command.command("data")
@home_option
@pass_here
def data_(here: Here) -> None:
    """Grow data before it is full, and keep what is wrong with it as findings."""
    grown = data.grow_if_needed(here.home)
    found = [*data.check(here.home), *([grown] if isinstance(grown, Finding) else [])]
    with Records(here.home.records) as records:
        records.set_findings("data", found, datetime.now(UTC))


@command.command()
@home_option
@pass_here
def mark(here: Here) -> None:
    """Write a marker into every service."""
    wrong = {name: error for name, error in live.mark(here.home, here.settings).items() if error}
    if wrong:
        raise SteadError("no marker in " + "; ".join(f"{name}: {error}" for name, error in wrong.items()))


@command.command()
@home_option
@pass_here
def picture(here: Here) -> None:
    """Take a picture of data and thin the old ones."""
    now = datetime.now(UTC)
    data.take_picture(here.home, now)
    data.thin_pictures(here.home, now)


@command.command()
@home_option
@pass_here
def look(here: Here) -> None:
    """Judge the host, so that the records know since when each finding holds."""
    if machine.find(here.home, "live") is not None:
        note_endpoints(here.home, live.endpoints(here.home, here.settings))
    look_at(here.home, here.settings)


@command.command()
@home_option
@pass_here
def tidy(here: Here) -> None:
    """Drop old records."""
    with Records(here.home.records) as records:
        records.prune(datetime.now(UTC))


@command.command("kit")
@home_option
@pass_here
def kit_(here: Here) -> None:
    """See whether the recovery kit in the owner's hands would still be enough."""
    now = datetime.now(UTC)
    with Records(here.home.records) as records:
        records.set_findings("kit", kit.judge(records, kit.kit_of(here.home, here.settings), now), now)


@command.command("recover")
@home_option
@pass_here
def recover_(here: Here) -> None:
    """Go on with a recovery that nobody works on any more."""
    try:
        recovery.go_on(here.home, here.settings, Silent())
    except Busy:
        return


@command.command("alerts")
@home_option
@pass_here
def alerts_(here: Here) -> None:
    """Tell the owner what there is to tell."""
    failed = [f"{o.way}: {o.detail}" for o in alerts.tell(here.home, wishes(here.home)) if not o.good]
    for words in failed:
        click.echo(f"stead: not sent by {words}", err=True)


@command.command()
@home_option
@pass_here
def deadman(here: Here) -> None:
    """Feed the dead man's switch if the drills say so."""
    alerts.feed_deadman(here.home, wishes(here.home))


@command.command()
@home_option
@pass_here
def revive(here: Here) -> None:
    """Start the live machine again if it is dead and nobody is starting or stopping it just now."""
    if here.home.recovering.exists():
        with suppress(Busy):
            recovery.serve_copy(here.home, here.settings, Silent())
        return
    with held(here.home, "up"):
        if machine.find(here.home, "live") is not None:
            return
    live.restart(here.home, here.settings, Silent())
