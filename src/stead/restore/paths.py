"""What a path in data is, said in words: whose, which kind of thing, in which folder."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from stead.words import keywords


class Kind(StrEnum):
    """What can come back one by one."""

    MAIL = "mail"
    ENTRY = "entry"
    FILE = "file"


#: Owners that are no accounts: what all share, and the web page.
SHARED, SITE = "shared", "site"
#: The server's own accounts (the one that probes and markers use): nothing of them ever has to come back.
_OWN = "stead-"

_USER = r"(?P<owner>[a-z][a-z0-9._-]{0,31})"
_MAIL = re.compile(
    rf"mail/home/{_USER}/Maildir/(?:(?P<folder>\.[^/]{{1,240}})/)?(?:cur|new)/(?P<name>[^/.][^/]*)", re.DOTALL
)
_ENTRY = re.compile(
    rf"calendar/collections/collection-root/{_USER}/(?P<folder>[^/.][^/]*)/(?P<name>[^/.][^/]*\.(?:ics|vcf))", re.DOTALL
)
_HOME = re.compile(rf"files/home/{_USER}/(?P<name>.+)", re.DOTALL)
_COMMON = {"files/shared/": SHARED, "web/site/": SITE}
_ESCAPED = re.compile(r"\^([0-9a-f]{2})")
_FLAGS = {"S": r"\Seen", "R": r"\Answered", "F": r"\Flagged", "D": r"\Draft"}


@dataclass(frozen=True)
class Named:
    """``folder``: a mailbox's name, or a collection's; ``name``: the file's (of files: the path in their folder)."""

    kind: Kind
    owner: str
    folder: str
    name: str


def named(path: str) -> Named | None:
    """What lies at ``path`` (relative to data); None: nothing that comes back by itself."""
    what = _named(path)
    return None if what is None or what.owner.startswith(_OWN) else what


def _named(path: str) -> Named | None:
    if match := _MAIL.fullmatch(path):
        return Named(Kind.MAIL, match["owner"], mailbox_of(match["folder"]), match["name"])
    if match := _ENTRY.fullmatch(path):
        return Named(Kind.ENTRY, match["owner"], match["folder"], match["name"])
    if match := _HOME.fullmatch(path):
        return Named(Kind.FILE, match["owner"], "", match["name"])
    for top, owner in _COMMON.items():
        if path.startswith(top) and len(path) > len(top):
            return Named(Kind.FILE, owner, "", path[len(top) :])
    return None


def top_of_files(owner: str) -> str:
    """Where an owner's files lie in data."""
    return {SHARED: "files/shared", SITE: "web/site"}.get(owner, f"files/home/{owner}")


def maildir(owner: str) -> str:
    """Where an account's mail lies in data."""
    return f"mail/home/{owner}/Maildir"


def mailbox_of(folder: str | None) -> str:
    """The IMAP name of a mailbox from its folder's (Maildir++; Dovecot writes ``^2e`` for a dot in a name)."""
    if not folder:
        return "INBOX"
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), folder[1:].replace(".", "/"))


def base_of(name: str) -> str:
    """A mail's file name without its flags: it stays when flags change."""
    return name.partition(":2,")[0]


def keywords_beside(path: str) -> str | None:
    """Where the keywords of a mail at ``path`` are named; None: it has none."""
    if not any(map(str.islower, path.partition(":2,")[2])):
        return None
    return f"{path.rsplit('/', 2)[0]}/{keywords.FILE}"


def flags_of(path: str, named: Callable[[str], bytes] = lambda _: b"") -> str:
    """The IMAP flags in a mail's file name, without ``Deleted``: what comes back is not to vanish again.

    ``named`` gives the content of the file at a path, where the keywords are named; it is asked only if there are any.
    """
    letters = path.partition(":2,")[2]
    flags = [flag for letter, flag in _FLAGS.items() if letter in letters]
    if beside := keywords_beside(path):
        flags += keywords.named(letters, keywords.read(named(beside)))
    return " ".join(flags)


def printable(text: str) -> str:
    """A name as it may be shown: bytes that are no text are marked."""
    return os.fsencode(text).decode("utf-8", "replace").replace("\x1b", "?")
