"""``stead restore``: one thing back, out of the pictures on this computer or a place; nothing newer is overwritten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from stead import restore
from stead.cli.here import Here
from stead.cli.progress import shown
from stead.cli.restoring import Choosing, How, as_of, ended, pick, restoring, snapshot
from stead.restore import Desk, Kind, Wanted

_MAILS = ("DATE", "FROM", "SUBJECT", "FOLDER", "SIZE", "", "FOUND", "COPY OF")
_ENTRIES = ("DATE", "WHAT", "IN", "", "FOUND", "COPY OF")
_COPIES = ("COPY OF", "MISSING NOW", "SIZE", "FOUND")
_VERSIONS = ("COPY OF", "PATH", "SIZE", "CHANGED", "", "FOUND")


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
    owner = restore.require_owner(here.home, here.settings, user)
    texts = {name: text for name, text in given.items() if text}
    with restore.mail.ready(here.home, owner, sure=how.sure and not how.dry) as ready, _desk(here, how) as desk:
        found = desk.find(Wanted(owner, Kind.MAIL, texts, ident, box, begin, end))
        choosing = Choosing(here, how, desk)
        chosen = choosing.among(found, _MAILS, restore.mail.line)
        steps = [restore.mail.plan(one) for one in chosen]
        if choosing.agreed(steps):
            choosing.done += restore.mail.give_back(desk, owner, chosen, ready)
        return ended(choosing)


@command.command()
@click.argument("user")
@click.argument("words", nargs=-1)
@as_of
@snapshot
@pick
@restoring
def event(here: Here, how: How, user: str, words: Sequence[str]) -> int:
    """A calendar entry of USER back, by WORDS in it. Without words: what was deleted lately."""
    return _entry(here, how, user, words, restore.entries.EVENT)


@command.command()
@click.argument("user")
@click.argument("words", nargs=-1)
@as_of
@snapshot
@pick
@restoring
def contact(here: Here, how: How, user: str, words: Sequence[str]) -> int:
    """A contact of USER back, by WORDS in it. Without words: what was deleted lately."""
    return _entry(here, how, user, words, restore.entries.CONTACT)


def _entry(here: Here, how: How, user: str, words: Sequence[str], suffix: str) -> int:
    with _desk(here, how) as desk:
        owner = restore.require_owner(here.home, here.settings, user)
        given = {"any": " ".join(words)} if words else {}
        found = desk.find(Wanted(owner, Kind.ENTRY, given, suffix=suffix))
        choosing = Choosing(here, how, desk)
        chosen = choosing.among(found, _ENTRIES, restore.entries.line)
        if choosing.agreed([restore.entries.plan(one) for one in chosen]):
            choosing.done += restore.entries.give_back(desk, owner, chosen)
        return ended(choosing)


@command.command()
@click.argument("user")
@click.argument("path")
@as_of
@snapshot
@pick
@restoring
def file(here: Here, how: How, user: str, path: str) -> int:
    """A file or folder of USER (or of: shared, site) back, as it was at an earlier time.

    PATH is as WebDAV shows it, or a part of it. What is there now stays: the older one comes beside it.
    """
    files = restore.files
    with _desk(here, how) as desk:
        owner = restore.require_owner(here.home, here.settings, user, common=True)
        choosing = Choosing(here, how, desk)
        chosen = choosing.among(files.offered(desk, owner, files.inner(path)), _VERSIONS, files.line)
        if choosing.agreed([files.plan(desk, one) for one in chosen]):
            for one in chosen:
                choosing.done += files.give_back(desk, one)
        return ended(choosing)


@command.command()
@click.argument("user")
@click.argument("folder")
@as_of
@snapshot
@pick
@restoring
def folder(here: Here, how: How, user: str, folder: str) -> int:
    """What is missing of the mail FOLDER of USER back, and of the folders in it."""
    with _desk(here, how) as desk:
        owner = restore.require_owner(here.home, here.settings, user)
        found = restore.missing.missing_of(desk, owner, f"{folder} of {owner}", folder=folder)
        return _missing(here, how, desk, found)


@command.command()
@click.argument("name")
@as_of
@snapshot
@pick
@restoring
def user(here: Here, how: How, name: str) -> int:
    """The account NAME back with the password it had, and all its mail, entries and files that are missing."""
    with _desk(here, how) as desk:
        account = restore.users.account_of(desk, here.settings, name)
        wanted = restore.missing.missing_of if account is None else restore.missing.found_of
        found = wanted(desk, name, f"what {name} had")
        return _missing(here, how, desk, found, account)


def _missing(
    here: Here, how: How, desk: Desk, found: list[restore.Missing], account: restore.OldAccount | None = None
) -> int:
    choosing = Choosing(here, how, desk)
    chosen = choosing.among(found, _COPIES, restore.missing.line) if found else []
    steps = [restore.missing.plan(one) for one in chosen]
    if account is not None and (chosen or not found):
        steps.insert(0, restore.users.plan(account))
    if choosing.agreed(steps):
        if account is not None:
            choosing.done.append(restore.users.give_back(desk, here.settings, account))
        for one in chosen:
            choosing.done += restore.missing.give_back(desk, one)
    return ended(choosing)


@command.command("all")
@click.option("--to", "into", type=click.Path(path_type=Path), help="A new folder to put it into.")
@as_of
@snapshot
@restoring
def all_(here: Here, how: How, into: Path | None) -> int:
    """Everything of an earlier moment into a new folder beside the live data, every byte compared. Nothing is changed.

    Without --as-of: the newest copy there is.
    """
    with _desk(here, how) as desk:
        choosing = Choosing(here, how, desk)
        source = restore.whole.newest(desk)
        target = restore.whole.target(desk, source, into)
        of = f"everything as of {restore.say(source.at)} ({source.words()})"
        if choosing.agreed([f"{of} into the new folder {target}; the server goes on as it is"]):
            choosing.done.append(restore.whole.give_back(desk, source, target))
        return ended(choosing)


@contextmanager
def _desk(here: Here, how: How) -> Iterator[Desk]:
    with (
        shown(here.home, "restore") as progress,
        restore.desk(here.home, here.settings, progress, as_of=how.as_of, snapshot=how.snapshot) as desk,
    ):
        yield desk
