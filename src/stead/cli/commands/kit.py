"""``stead kit``: the recovery kit, made, shown, and proven to be kept and to open every place."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import click

from stead import kit as kits
from stead.backup import Restic, snapshots, url_without_secrets
from stead.cli.asking import secret
from stead.cli.here import Here, acting, reading
from stead.cli.show import show_json
from stead.kit.page import write_page
from stead.records import Records
from stead.rehearsal.known import restic_program
from stead.words.errors import BAD_ANSWER, DONE, SteadError
from stead.words.kit import Kit

_passphrase_file = click.option(
    "--passphrase-file",
    type=click.Path(allow_dash=True),
    help="Read the passphrase from this file; - is standard input.",
)


@click.group()
def command() -> None:
    """The recovery kit: enough to get everything back on a new computer, encrypted, kept by you."""


@command.command()
@click.option("--to", "folder", type=click.Path(path_type=Path), default=Path(), help="The folder to write it to.")
@click.option("--new-passphrase", is_flag=True, help="Make a passphrase, and show it once.")
@_passphrase_file
@acting
def write(here: Here, folder: Path, new_passphrase: bool, passphrase_file: str | None) -> None:
    """Write the kit, and a page to print."""
    kit = kits.kit_of(here.home, here.settings)
    made = kits.new_passphrase() if new_passphrase else None
    chosen = made or _passphrase(passphrase_file, confirm=True)
    kits.refuse_weak(chosen)
    file = kits.write_kit(kit, chosen, folder)
    page, printed = write_page(kit, file.read_text(), file)
    with Records(here.home.records) as records:
        kits.note_written(records, kit, file, datetime.now(UTC))
    _judge(here)
    if here.json:
        show_json({"schema": 1, "kit": kit.id, "file": str(file), "page": str(page), "pdf": str(printed)})
    else:
        click.echo(f"The kit is in {file}\n  to print: {printed}\n  the same for a browser: {page}")
        click.echo("Keep them outside of this computer: the file on a stick or another computer, the page in a drawer.")
        click.echo(f"Then, with the copy that you keep: stead kit confirm {file.name}")
    if made:
        click.echo(
            f"\nIts passphrase, shown only now; write it down, and keep it apart from the kit:\n\n    {made}\n",
            err=True,
        )


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@_passphrase_file
@acting
def confirm(here: Here, file: Path, passphrase_file: str | None) -> int:
    """Prove that you hold the kit FILE, can open it, and that it opens every place."""
    kit = kits.open_kit(file, _passphrase(passphrase_file))
    troubles = _troubles(here, kit)
    stale = kits.fingerprint(kit) != kits.fingerprint(kits.kit_of(here.home, here.settings))
    if stale:
        troubles["kit"] = "it is out of date: something it holds has changed since; make a new one: stead kit write"
    if not troubles:
        with Records(here.home.records) as records:
            kits.note_confirmed(records, kit, datetime.now(UTC))
    _judge(here)
    if here.json:
        show_json({"schema": 1, "kit": kit.id, "confirmed": not troubles, "problems": troubles})
    else:
        for name, trouble in troubles.items():
            click.echo(f"  {name}: {trouble}")
        opened = f"it opens {len(kit.places)} place{'s' * (len(kit.places) != 1)}"
        click.echo("This kit would not be enough." if troubles else f"The kit {kit.id} is good: {opened}.")
    return BAD_ANSWER if troubles else DONE


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--secrets", "with_secrets", is_flag=True, help="Show passwords and credentials, too.")
@_passphrase_file
@reading
def show(here: Here, file: Path, with_secrets: bool, passphrase_file: str | None) -> None:
    """Show what is in the kit FILE."""
    kit = kits.open_kit(file, _passphrase(passphrase_file))
    if here.json:
        show_json(kit.to_json() if with_secrets else _without_secrets(kit))
        return
    click.echo(
        f"Kit {kit.id} of {kit.domain}, made {kit.made_at} on {kit.host}, Stead {kit.program.get('version', '?')}"
    )
    for place in kit.places:
        click.echo(f"  {place.name}: {place.url if with_secrets else url_without_secrets(place.url)}")
        if with_secrets:
            click.echo(f"    password: {place.password}")
            for name, value in place.credentials.items():
                click.echo(f"    {name}={value}")
    click.echo(f"  also in it: the settings, {', '.join((*kit.secrets, *kit.keys)) or 'no keys'}")


def _without_secrets(kit: Kit) -> dict[str, object]:
    places = [{"name": place.name, "url_without_secrets": url_without_secrets(place.url)} for place in kit.places]
    about = {"id": kit.id, "made_at": kit.made_at, "host": kit.host, "domain": kit.domain}
    return {"schema": 1, **about, "places": places, "program": dict(kit.program)}


def _troubles(here: Here, kit: Kit) -> dict[str, str]:
    """Why a place does not open with what is in the kit, by its name."""
    found, program = {}, restic_program(here.home)
    with tempfile.TemporaryDirectory() as folder:
        for place in kits.places_of(kit, Path(folder)):
            try:
                if not snapshots(Restic(program, place)):
                    found[place.name] = "it opens, and nothing is in it"
            except SteadError as trouble:
                found[place.name] = trouble.message
    return found


def _judge(here: Here) -> None:
    now = datetime.now(UTC)
    with Records(here.home.records) as records:
        records.set_findings("kit", kits.judge(records, kits.kit_of(here.home, here.settings), now), now)


def _passphrase(file: str | None, *, confirm: bool = False) -> str:
    return secret("passphrase", "--passphrase-file", file, "Passphrase of the kit", twice=confirm)
