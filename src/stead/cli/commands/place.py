"""``stead place``: add one (with a wizard on a terminal), try it, remove it, list them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from stead import kit as kits
from stead.backup.trying import SMALL
from stead.cli.commands.backup import places_ as list_places
from stead.cli.here import Here, acting, home_option, pass_here
from stead.cli.place_wizard import Wanted, ask, new_ssh_key
from stead.cli.progress import shown
from stead.cli.show import show_json, show_table, verdict
from stead.live import places as live_places
from stead.live.places import Trial
from stead.records import Records
from stead.rehearsal.known import place_settings
from stead.settings import Settings, load
from stead.words.errors import DONE, SteadError, UsageError
from stead.words.progress import Silent
from stead.words.quantities import say_size
from stead.words.verdict import worst


@click.group()
def command() -> None:
    """Places: where copies of everything lie."""


@command.command()
@click.argument("name", required=False)
@click.argument("url", required=False)
@click.option("--credentials-file", type=click.Path(path_type=Path), help="NAME=value lines its kind needs.")
@click.option("--new-key", is_flag=True, help="SFTP: make a key of its own for it, and show what to put there.")
@click.option("--upload-limit", help="Such as 2MB/s.")
@click.option("--download-limit", help="Such as 10MB/s.")
@click.option("--bytes-a-month", help="Such as 200GB.")
@click.option("--quiet-hours", help="Such as 18:00-23:00: the keeper leaves it alone.")
@click.option("--medium", help="disk, computer or cloud.")
@acting
def add(
    here: Here,
    name: str | None,
    url: str | None,
    credentials_file: Path | None,
    new_key: bool,
    **limits: str | None,
) -> int:
    """Add the place NAME at URL: try it, make a password for it, and write it into the settings.

    Without arguments, on a terminal, you are asked.
    """
    if name is None or url is None:
        if not sys.stdin.isatty():
            raise UsageError("a name and an address are needed", hint="stead place add attic /mnt/disk/stead")
        wanted = ask(here, name)
    else:
        wanted = Wanted(name, url, credentials_file)
    if new_key:
        wanted = new_ssh_key(here, wanted)
    values: dict[str, str | bool] = {"url": wanted.url}
    if wanted.credentials_file is not None:
        values["credentials_file"] = str(wanted.credentials_file.absolute())
    values |= {key: value for key, value in limits.items() if value is not None}
    with shown(here.home, "place") as progress:
        trial, settings, made = live_places.add(here.home, wanted.name, values, Silent() if here.json else progress)
    if settings is not None:
        _judge_kit(here, settings)
    if here.json:
        show_json({"schema": 1, "added": settings is not None, "made": made, "trial": _json(trial)})
        return trial.verdict.exit_code
    _show(trial)
    if settings is None:
        click.echo(f"The place {wanted.name} was not added: nothing was written into {here.home.settings_file}.")
        return trial.verdict.exit_code
    click.echo(f"The place {wanted.name} is in {here.home.settings_file}, with a password of its own.")
    click.echo(f"  next: stead backup run --place {wanted.name}   (the keeper does it within minutes, too)")
    click.echo("  next: stead kit write   (the recovery kit does not know this place yet)")
    return DONE


@command.command()
@click.argument("name", required=False)
@acting
def test(here: Here, name: str | None) -> int:
    """Try the place NAME, or all: write, read back, and see whether what was written can be deleted."""
    wanted = place_settings(here.home, here.settings, name)
    with shown(here.home, "place") as progress:
        trials = [live_places.try_now(here.home, one, Silent() if here.json else progress) for one in wanted]
    whole = worst(trial.verdict for trial in trials)
    if here.json:
        show_json({"schema": 1, "verdict": whole.value, "places": [_json(trial) for trial in trials]})
    else:
        for trial in trials:
            _show(trial)
    return whole.exit_code


@command.command(hidden=True)
@home_option
@pass_here
def due(here: Here) -> None:
    """Try deletions again at places not tried for a month: that nothing can be deleted there must stay true."""
    for wanted in live_places.due(here.home, here.settings.places, datetime.now(UTC)):
        live_places.try_now(here.home, wanted, Silent(), size=SMALL)


@command.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Even if it is the last place that survives this computer.")
@acting
def remove(here: Here, name: str, yes: bool) -> None:
    """Take the place NAME out of the settings; the copies in it stay."""
    gone = live_places.remove(here.home, here.settings, name, sure=yes)
    _judge_kit(here, load(here.home))
    left = live_places.how_to_delete(gone)
    password = here.home.secrets / f"place-{name}.password"
    if here.json:
        show_json({"schema": 1, "removed": name, "left": left, "password_file": str(password)})
        return
    click.echo(f"The place {name} is not in {here.home.settings_file} any more; {left}")
    click.echo(f"  its password is kept in {password}: without it they cannot be read")
    click.echo("  next: stead kit write")


command.add_command(list_places, "list")


def _judge_kit(here: Here, settings: Settings) -> None:
    """The kit in the owner's hands is out of date from now on; that is a finding at once."""
    now = datetime.now(UTC)
    try:
        kit = kits.kit_of(here.home, settings)
    except SteadError:
        # Another place was never used yet: the keeper judges the kit when all were.
        return
    with Records(here.home.records) as records:
        records.set_findings("kit", kits.judge(records, kit, now), now)


def _json(trial: Trial) -> dict[str, object]:
    return {"verdict": trial.verdict.value, **trial.evidence}


def _show(trial: Trial) -> None:
    click.echo(f"{trial.place}: {verdict(trial.verdict)}" + (f", {trial.reason}" if trial.reason else ""))
    if trial.next:
        click.echo(f"  next: {trial.next}")
    tried = trial.tried
    if tried is None:
        return
    site = {True: "at another site", False: "beside this computer", None: "not known from here"}[trial.offsite]
    deletion = "refused: what is there stays" if tried.refused else "it worked: who has this computer can delete there"
    if tried.hides:
        deletion = (
            "it only hides: old versions stay" if tried.refused else "it worked, and the versions were destroyed, too"
        )
    show_table(
        ("TRIED", "FOUND"),
        (
            ("write and read back", "the same bytes"),
            ("speed", f"{say_size(round(tried.upload))}/s there, {say_size(round(tried.download))}/s back"),
            ("delete", deletion),
            ("where it is", site),
        ),
    )
