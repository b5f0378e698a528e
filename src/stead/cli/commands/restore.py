"""``stead restore``: one thing back, out of the pictures on this computer or a place; nothing newer is overwritten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from stead import restore
from stead.cli.here import Here
from stead.cli.progress import shown
from stead.cli.restoring import Choosing, How, as_of, ended, pick, restoring, snapshot
from stead.restore import Desk, Kind, Wanted

_MAILS = ("DATE", "FROM", "SUBJECT", "FOLDER", "SIZE", "", "FOUND", "COPY OF")


@click.group()
def command() -> None:
    """One thing back: a mail, a folder, a file, an entry, a contact, a user, or the whole of yesterday.

    It searches the pictures on this computer and all backups, says what it would do, and asks.
    """


@command.command()
@click.argument("user")
@click.argument("words", nargs=-1)
@click.option("--subject", help="Words of the subject, or beginnings of them.")
@click.option("--from", "sender", help="Words of the sender's name or address.")
@click.option("--to", "others", help="Words of a recipient's name or address.")
@click.option("--date", help="The day it was written.")
@click.option("--since", help="Written then or later.")
@click.option("--until", help="Written before the end of that day, or that moment.")
@click.option("--message-id", "ident", help="Its message id.")
@click.option("--folder", "box", help="The folder it lay in.")
@as_of
@snapshot
@pick
@restoring
def mail(
    here: Here,
    how: How,
    user: str,
    words: Sequence[str],
    *,
    subject: str | None,
    sender: str | None,
    others: str | None,
    date: str | None,
    since: str | None,
    until: str | None,
    ident: str | None,
    box: str | None,
) -> int:
    """Mail of USER back: by any WORDS, or by subject, sender, date. With neither: what was deleted lately."""
    given = {"title": subject, "sender": sender, "others": others, "any": " ".join(words)}
    begin = restore.moment(begins, end=False) if (begins := date or since) else None
    end = restore.moment(ends) if (ends := date or until) else None
    with _desk(here, how) as desk:
        owner = restore.require_owner(here.home, here.settings, user)
        texts = {name: text for name, text in given.items() if text}
        found = desk.find(Wanted(owner, Kind.MAIL, texts, ident, box, begin, end))
        choosing = Choosing(here, how, desk)
        chosen = choosing.among(found, _MAILS, restore.mail_line)
        steps = [f"{restore.mail_line(one)[2]}: {restore.mail_plan(one)[1]}" for one in chosen]
        if choosing.agreed(steps):
            choosing.done += restore.mails_back(desk, owner, chosen)
        return ended(choosing)


@contextmanager
def _desk(here: Here, how: How) -> Iterator[Desk]:
    with (
        shown(here.home, "restore") as progress,
        restore.desk(here.home, here.settings, progress, as_of=how.as_of, snapshot=how.snapshot) as desk,
    ):
        yield desk
