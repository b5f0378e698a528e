"""``stead recover``: everything back on a new computer, from nothing but the kit."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from stead.cli.asking import secret
from stead.cli.here import Here, acting
from stead.cli.progress import shown
from stead.cli.show import show_json
from stead.keeper import ensure_running, prepared
from stead.keeper.noting import note_endpoints
from stead.kit import open_kit
from stead.recovery import Recovered, Serving, recover
from stead.words.quantities import say_duration, say_size, say_time
from stead.words.verdict import Verdict


@click.command()
@click.argument("kit", type=click.Path(path_type=Path))
@click.option("--place", help="Recover from this place of the kit (default: the one with the newest copy).")
@click.option("--snapshot", help="Recover this snapshot instead of the newest.")
@click.option(
    "--rebuild", is_flag=True, help="Make the programs anew from Debian's signed packages (after a break-in)."
)
@click.option(
    "--passphrase-file",
    type=click.Path(allow_dash=True),
    help="Read the passphrase from this file; - is standard input.",
)
@acting
def command(
    here: Here, *, kit: Path, place: str | None, snapshot: str | None, rebuild: bool, passphrase_file: str | None
) -> int:
    """Everything back on this new computer, from the recovery kit KIT. Interrupted, the same command goes on."""
    opened = open_kit(kit, secret("passphrase", "--passphrase-file", passphrase_file, "Passphrase of the kit"))
    click.echo(
        f"The kit of {opened.domain} is open. See that the old computer is off: two would both take mail.", err=True
    )

    def serving(now: Serving) -> None:
        note_endpoints(here.home, now.endpoints)
        ensure_running(here.home)
        click.echo(_serving(now), err=True)

    with shown(here.home, "recover") as progress:
        done = recover(here.home, opened, progress, place=place, snapshot=snapshot, rebuild=rebuild, serving=serving)
        with progress.step("the keeper"):
            note_endpoints(here.home, done.up.endpoints)
            ensure_running(here.home)
    prepared.note(here.home)
    if here.json:
        about = {name: value for name, value in asdict(done).items() if name != "up"}
        show_json({"schema": 1, **about, "data_at": say_time(done.data_at), "up": done.up.to_json()})
    else:
        click.echo(_words(done))
    return done.up.exit_code


def _serving(now: Serving) -> str:
    good = sum(probe.verdict is Verdict.PASS for probe in now.probes)
    tried = f": {good} of {len(now.probes)} capabilities pass, each tried from outside" if now.probes else ""
    return (
        f"The server {now.name} answers again, {say_duration(now.seconds)} after you began{tried}.\n"
        "It runs from the copy; all of it is now brought here. If this is interrupted, it goes on by itself."
    )


def _words(done: Recovered) -> str:
    age = say_duration((datetime.now(UTC) - done.data_at).total_seconds())
    return (
        f"The server answered again after {say_duration(done.serving_after)}, and everything is on this computer after "
        f"{say_duration(done.seconds)}: {done.files} files, {say_size(done.size)}, "
        f"of {say_time(done.data_at)} ({age} ago), from {done.place}, every byte compared.\n"
        f"What came in later than that was in no copy.\n\n{done.up.words()}"
    )
