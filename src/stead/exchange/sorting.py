"""What a file among somebody's things is, by its first bytes and its name, and where its content belongs here."""

from __future__ import annotations

import re
from enum import StrEnum

from imapclient import imap_utf7

from stead.exchange import labels
from stead.exchange.sources import EXPORT
from stead.words import keywords

#: As much of a file as tells what it is.
HEAD = 4096


class Sort(StrEnum):
    """What a file is."""

    MBOX = "mbox"
    LETTER = "letter"
    MAILDIR = "maildir"
    KEYWORDS = "keywords"
    CALENDAR = "calendar"
    CONTACTS = "contacts"
    ARCHIVE = "archive"
    FILE = "file"
    NOTHING = "nothing"


_ARCHIVES = (".zip", ".tgz", ".tar.gz", ".tar", ".tar.bz2", ".tar.xz", ".tbz2", ".txz")
_MAILDIR_NAME = re.compile(r"\d{5,}\..*|.*[:;!]2,[A-Za-z]*")
_LETTER = re.compile(
    rb"(?:>?From [^\n]*\n)?[!-9;-~]{1,100}[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n|[!-9;-~]{1,100}[ \t]*:[^\n]*\n)"
)
_MBOX = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s*\r?\n)?From [^\r\n]*\r?\n(?:[!-9;-~]{1,200}[ \t]*:|>?From |\r?\n|$)")
#: What mail programs keep beside mail for themselves.
_NOTES = re.compile(
    r"dovecot[.-].*|dovecot-.*|subscriptions|maildirfolder|maildirsize|courierimap.*|\.uidvalidity|\.mbsyncstate.*|"
    r".*\.msf|msgfilterrules\.dat|popstate\.dat|filterlog\.html|\.ds_store|thumbs\.db|desktop\.ini",
    re.IGNORECASE,
)
TAKEOUT = "takeout"


def sort(parts: tuple[str, ...], head: bytes, forced: str | None, *, top: bool) -> Sort:
    """What the file at ``parts`` is, that begins with ``head``; ``top``: the owner named it, so archives are opened."""
    name = parts[-1].casefold()
    if top and name.endswith(_ARCHIVES) and forced != "files":
        return Sort.ARCHIVE
    if forced in ("files", "calendar", "contacts"):
        return {"files": Sort.FILE, "calendar": Sort.CALENDAR, "contacts": Sort.CONTACTS}[forced]
    if is_drive(parts) or (is_export(parts) and parts[1:2] == ("files",)):
        return Sort.FILE
    if is_export(parts) and parts[1:] == ("README.txt",):
        return Sort.NOTHING
    if len(parts) > 1 and parts[-2] in ("cur", "new") and _MAILDIR_NAME.fullmatch(parts[-1]):
        return Sort.MAILDIR
    if name == keywords.FILE and forced in (None, "mail"):
        return Sort.KEYWORDS
    if _NOTES.fullmatch(name) or (len(parts) > 1 and parts[-2] == "tmp" and _MAILDIR_NAME.fullmatch(parts[-1])):
        return Sort.NOTHING
    return _by_content(name, head, forced)


def _by_content(name: str, head: bytes, forced: str | None) -> Sort:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").replace(b"\0", b"")[:32].lstrip(b"\xff\xfe").upper()
    if name.endswith((".mbox", ".mbx")) or (_MBOX.match(head) and not name.endswith((".eml", ".txt"))):
        return Sort.MBOX
    if name.endswith((".eml", ".emlx")):
        return Sort.LETTER
    if name.endswith((".ics", ".ical", ".icalendar")) or start.startswith(b"BEGIN:VCALENDAR"):
        return Sort.CALENDAR
    if name.endswith((".vcf", ".vcard")) or start.startswith(b"BEGIN:VCARD"):
        return Sort.CONTACTS
    if forced == "mail":
        return Sort.LETTER if _LETTER.match(head.replace(b"\r\n", b"\n")) else Sort.NOTHING
    return Sort.FILE


def is_takeout(parts: tuple[str, ...]) -> bool:
    """Whether the file lies in a Google Takeout, whose first folder is called so in every language."""
    return parts[0].casefold() == TAKEOUT


def is_drive(parts: tuple[str, ...]) -> bool:
    """Whether the file lies in Takeout's copy of Drive: then it is a file, whatever is in it."""
    return len(parts) > 2 and is_takeout(parts) and labels.is_drive(parts[1])


def is_export(parts: tuple[str, ...]) -> bool:
    """Whether the file lies in what ``stead export`` wrote."""
    return parts[0] == EXPORT


def mail_folder(parts: tuple[str, ...], found: Sort) -> str:
    """The folder here for mail that lies at ``parts`` there."""
    if is_export(parts):
        parts = parts[1:]
    if found is Sort.MAILDIR:
        return _maildir_folder(parts[:-2])
    if found is Sort.MBOX:
        names = [re.sub(r"\.(?:sbd|mbox|mbx)$", "", part, flags=re.IGNORECASE) for part in parts]
        if len(names) > 1 and names[-1].casefold() == "mbox":
            names.pop()
        return _named(names)
    return _named(list(parts[:-1]))


def _maildir_folder(folders: tuple[str, ...]) -> str:
    """Maildir++ writes ``.A.B`` in one name, encoded as IMAP does; others nest plain folders."""
    last = folders[-1] if folders else ""
    if last.startswith("."):
        return _named([_imap_decoded(part) for part in last[1:].split(".")])
    if not folders or last.casefold() in ("maildir", "inbox"):
        return "INBOX"
    return _named(list(folders))


def _imap_decoded(name: str) -> str:
    try:
        return str(imap_utf7.decode(name.encode("ascii")))
    except (UnicodeError, ValueError):
        return name


def _named(names: list[str]) -> str:
    kept = [name.strip() for name in names if name.strip()]
    if len(kept) > 1 and kept[0].casefold() == "mail":
        # Where Takeout, Thunderbird and our own export keep mail.
        kept = kept[1:]
    if not kept:
        return "Imported"
    return labels.of_folder(kept[0]) if len(kept) == 1 else "/".join([labels.of_folder(kept[0]), *kept[1:]])


def file_path(parts: tuple[str, ...], beneath: str) -> str:
    """Where a file goes among the account's files; ``beneath`` is the source's own name."""
    if is_drive(parts):
        return "/".join(("Drive", *parts[2:]))
    if is_export(parts):
        return "/".join(parts[2:])
    return "/".join(parts) if is_takeout(parts) or not beneath else "/".join((beneath, *parts))
