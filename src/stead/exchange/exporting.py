"""The story of an export: a picture of data, a giver for each service, and files in open formats in the owner's folder.

The picture is taken first, so what is given is of one moment; it is deleted afterwards.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stead import data
from stead.exchange.archives import safe_parts
from stead.exchange.helpers import account_folder, uid_of
from stead.exchange.items import receive, write_all
from stead.exchange.letters import Broken
from stead.run import start
from stead.words.errors import SteadError, UsageError
from stead.words.home import Home
from stead.words.progress import Progress
from stead.words.quantities import say_time

_SERVICES = ("mail", "calendar", "files")
_README = """Everything of {user} on this server, as it was at {when}.

mail/        {mail}
calendars/   one iCalendar file (.ics, RFC 5545) for each calendar
contacts/    one vCard file (.vcf) for each address book
files/       the files, with their dates

{counts}

Every mail program, calendar and operating system reads these, by itself or with free tools. Into another Stead:
stead import NAME FOLDER
"""
_MAIL = {
    "maildir": "a Maildir for each folder: one file for each message, as received; letters after ':2,' are its flags\n"
    "             (S read, R answered, F flagged, D draft, T deleted), the file's date is the date of receipt;\n"
    "             small letters are the labels that dovecot-keywords names (0 is a, 1 is b ...)",
    "mbox": "an mbox file (mboxrd) for each folder; flags are in the Status and X-Status headers, labels in X-Keywords",
}


def give_out(home: Home, user: str, folder: Path, form: str, progress: Progress) -> Mapping[str, int]:
    """Write everything of ``user`` into ``folder``, which must be empty or missing; how many of what.

    ``form`` is ``maildir`` or ``mbox``. What is written belongs to the owner of the folder it lies in.
    """
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise UsageError(f"{folder} is not an empty folder", hint="name a new one")
    if not folder.absolute().parent.is_dir():
        raise UsageError(f"there is no {folder.absolute().parent}", hint="make it first, or name another folder")
    picture = data.picture_with(home, {})
    try:
        target = _Target(folder)
        for service in _SERVICES:
            with progress.step(f"exporting {service} of {user}"):
                _give(picture.path, service, user, form, target)
        counts = "\n".join(f"{count:,} {what}" for what, count in sorted(target.counts.items()))
        when = say_time(datetime.now(UTC))
        target.write("README.txt", _README.format(user=user, when=when, mail=_MAIL[form], counts=counts).encode())
        os.sync()
        return dict(target.counts)
    finally:
        data.delete_picture(home, picture)


class _Target:
    """The folder that is filled. Paths come from a helper that reads what others wrote: none leads outside."""

    def __init__(self, folder: Path) -> None:
        self._owner = folder.absolute().parent.stat()
        self.counts: Counter[str] = Counter()
        self._folder = folder.absolute()
        self._made: set[Path] = set()
        if not self._folder.exists():
            self._make(self._folder)
        self._made.add(self._folder)

    def folder(self, path: str) -> None:
        """Make a folder, and those above it."""
        self._above(self._folder.joinpath(*safe_parts(path), "x"))

    def open(self, path: str, *, append: bool) -> int:
        """A descriptor of a file to write; a new one unless ``append``."""
        place = self._folder.joinpath(*safe_parts(path))
        self._above(place)
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_APPEND if append else os.O_EXCL)
        handle = os.open(place, flags, 0o600)
        os.fchown(handle, self._owner.st_uid, self._owner.st_gid)
        return handle

    def write(self, path: str, content: bytes) -> None:
        """Write a small file of our own."""
        with os.fdopen(self.open(path, append=False), "wb") as file:
            file.write(content)

    def take(self, head: dict[str, Any], source: int) -> None:
        """One frame with content."""
        append = bool(head.get("append"))
        handle = self.open(str(head["path"]), append=append)
        try:
            _copy(source, handle, int(head["size"]))
            if head["date"] and not append:
                os.utime(handle, (float(head["date"]), float(head["date"])))
        finally:
            os.close(handle)
        if head.get("of"):
            self.counts[str(head["of"])[:20]] += 1

    def _above(self, place: Path) -> None:
        missing = []
        for folder in place.parents:
            if folder in self._made:
                break
            missing.append(folder)
        for folder in reversed(missing):
            if not folder.is_dir():
                self._make(folder)
            self._made.add(folder)

    def _make(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        os.chown(folder, self._owner.st_uid, self._owner.st_gid)


def _give(root: Path, service: str, user: str, form: str, target: _Target) -> None:
    with account_folder(root, service, user, make=False) as folder, tempfile.TemporaryFile() as errors:
        if folder is None:
            return
        frames, outside = os.pipe()
        line = [sys.executable, "-m", "stead.exchange.giving", service, str(uid_of(service)), form]
        child = start(line, stdout=outside, stderr=errors, cwd=Path(f"/proc/self/fd/{folder}"))
        os.close(outside)
        try:
            whole = _take_all(frames, target)
        finally:
            os.close(frames)
            code = child.wait()
        if not whole or code:
            errors.seek(0)
            said = "".join(c for c in errors.read()[-400:].decode("utf-8", "replace") if c.isprintable())
            raise SteadError(f"the {service} of {user} could not be given out whole: {said or f'code {code}'}")


def _take_all(frames: int, target: _Target) -> bool:
    try:
        while (head := receive(frames)) is not None:
            what = head.get("what")
            if what == "end":
                return True
            if what == "folder":
                target.folder(str(head["path"]))
            elif what == "file":
                os.close(target.open(str(head["path"]), append=True))
            else:
                target.take(head, frames)
    except (EOFError, ValueError, KeyError, Broken) as wrong:
        raise SteadError(f"what was given out cannot be kept: {wrong}") from None
    return False


def _copy(source: int, handle: int, size: int) -> None:
    """Not spliced: the kernel does not splice into a file that is appended to."""
    while size:
        piece = os.read(source, min(size, 1 << 20))
        if not piece:
            raise EOFError("the giver ended in the middle of a file")
        write_all(handle, piece)
        size -= len(piece)
