"""``stead import``: mail, calendars, contacts and files of another provider or program into an account here."""

from __future__ import annotations

from pathlib import Path

import click

from stead.cli.asking import secret
from stead.cli.here import Here, acting
from stead.cli.progress import shown
from stead.cli.show import show_json
from stead.exchange import naming
from stead.exchange.importing import Wanted, bring_in
from stead.exchange.known import account_or_error
from stead.exchange.report import NAMES, Report
from stead.words.errors import BAD_ANSWER, DONE, UsageError
from stead.words.quantities import say_size

_LISTED = 20


@click.command()
@click.argument("user")
@click.argument("sources", nargs=-1, required=True)
@click.option(
    "--as",
    "kind",
    type=click.Choice(["mail", "calendar", "contacts", "files"]),
    help="Take everything as this; without it each file is looked at.",
)
@click.option("--into", help="The mail folder, calendar or folder of files to put everything in.")
@click.option(
    "--password-file",
    type=click.Path(allow_dash=True),
    help="The other account's password; - is standard input. Never needed for files.",
)
@acting
def command(  # noqa: PLR0917 - one for each option
    here: Here, user: str, sources: tuple[str, ...], kind: str | None, into: str | None, password_file: str | None
) -> int:
    """Bring SOURCES into the account USER: mail, calendars, contacts, files.

    A source is a file or folder - a Google Takeout (zip, tgz or unpacked), mbox, Maildir, .eml, .ics, .vcf, anything
    else is a file - or an account: imaps://NAME@HOST, caldavs://NAME@HOST/PATH, carddavs://..., webdavs://....

    A second run adds nothing that is here already; one that was interrupted goes on. Exit 1: something did not come
    over, and the report says what and why.
    """
    account_or_error(here.home, here.settings, user)
    accounts = [source for source in sources if naming.is_account(source)]
    if len(accounts) > 1 or (accounts and len(sources) > 1):
        raise UsageError("an account is imported on its own", hint="one stead import for each account")
    account = naming.account(accounts[0], kind) if accounts else None
    if account is not None:
        account["password"] = secret("password", "--password-file", password_file, f"Password of {accounts[0]}")
    wanted = Wanted(user, () if account else tuple(map(Path, sources)), account, kind, into)
    with shown(here.home, "import") as progress:
        report = bring_in(here.home, here.settings, wanted, progress)
    if here.json:
        show_json(report.told())
    else:
        _show(report)
    return BAD_ANSWER if report.missing else DONE


def _show(report: Report) -> None:
    came = [f"{count:,} {NAMES[kind]}" for kind, count in report.added_by.items() if count]
    click.echo(f"Came over: {', '.join(came) or 'nothing new'} ({say_size(report.size)})")
    if report.known_by.total():
        click.echo(f"Here already: {report.known_by.total():,}")
    if not report.missing:
        click.echo("Nothing was left behind.")
        return
    click.echo(f"Did not come over: {report.missing:,}")
    for row in report.shown[:_LISTED]:
        click.echo(f"  {row['what']} ({row['where']}): {row['why']}")
    if report.missing > _LISTED:
        click.echo("  ...")
    click.echo(f"All of them with the reasons: {report.file}")
