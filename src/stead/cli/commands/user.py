"""``stead user``: accounts. A password is asked for, or read from a file; never given as an argument."""

from __future__ import annotations

import click

from stead.cli.asking import secret
from stead.cli.here import Here, acting, reading
from stead.cli.show import show_json, show_table
from stead.services.identity import Accounts
from stead.words.errors import SteadError, UsageError

_password_file = click.option(
    "--password-file", type=click.Path(allow_dash=True), help="Read the password from this file; - is standard input."
)


@click.group()
def command() -> None:
    """Accounts: one name and one password for mail, calendar, files and the rest."""


@command.command()
@click.argument("name")
@click.option("--owner", is_flag=True, help="It gets the mail of postmaster and may change the web page.")
@_password_file
@acting
def add(here: Here, name: str, owner: bool, password_file: str | None) -> None:
    """Add the account NAME; the first one is the owner."""
    accounts = _accounts(here)
    account = accounts.add(name, _password(name, password_file), owner)
    _done(here, name, f"The account {name}@{here.settings.name} can log in now.", owner=account.owner)


@command.command()
@click.argument("name")
@acting
def remove(here: Here, name: str) -> None:
    """Close the account NAME: nobody can log in; its mails, entries and files stay in data."""
    _accounts(here).remove(name)
    _done(here, name, f"The account {name} is closed; its data is kept.")


@command.command()
@click.argument("name")
@_password_file
@acting
def password(here: Here, name: str, password_file: str | None) -> None:
    """Give the account NAME a new password."""
    accounts = _accounts(here)
    if name not in {account.name for account in accounts.list()}:
        raise UsageError(f"there is no account {name}", hint="stead user list shows the accounts")
    accounts.set_password(name, _password(name, password_file))
    _done(here, name, f"The account {name} has a new password.")


@command.command("list")
@reading
def list_(here: Here) -> None:
    """List the accounts."""
    accounts = _accounts(here).list()
    if here.json:
        found = [{"name": a.name, "owner": a.owner, "created": a.created, "quota": a.quota} for a in accounts]
        show_json({"schema": 1, "domain": here.settings.name, "users": found})
    elif not accounts:
        click.echo("There is no account yet. Add one: stead user add NAME")
    else:
        rows = [(f"{a.name}@{here.settings.name}", "owner" if a.owner else "", a.created) for a in accounts]
        show_table(("ACCOUNT", "", "SINCE"), rows)


def _accounts(here: Here) -> Accounts:
    if not (here.home.data / "identity").is_dir():
        raise SteadError("the server's data is not there", hint="start the server: stead up")
    return Accounts(here.home.data, here.settings.name)


def _password(name: str, file: str | None) -> str:
    return secret("password", "--password-file", file, f"Password for {name}", twice=True)


def _done(here: Here, name: str, words: str, **more: object) -> None:
    if here.json:
        show_json({"schema": 1, "name": name, **more})
    else:
        click.echo(words)
