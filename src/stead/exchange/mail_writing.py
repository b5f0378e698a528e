"""Messages into a Maildir as Dovecot keeps it: size and date in the name, the date of receipt as the file's own.

Dovecot gives UIDs when it sees new files, oldest first. A message in several folders is one file with several names.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from stead.exchange.folders import locked, subscribe, written
from stead.exchange.items import Item
from stead.exchange.writing import Pieces, forget, sync_all, sync_folder
from stead.words import keywords

_BOX = "/Maildir"
_MARK = ".stead"


class _Waiting(NamedTuple):
    beside: str
    name: str
    flags: str
    folders: tuple[str, ...]
    keywords: tuple[str, ...]


class Keeping:
    """The mail of one account."""

    def __init__(self) -> None:
        self._number = 0
        self._waiting: list[_Waiting] = []
        self._ready: set[str] = set()
        self._new: list[str] = []
        self._listed: tuple[str, set[str]] = ("", set())

    def begin(self) -> None:
        """Make the Maildir if the account never had mail; sweep what a killed run left in ``tmp``."""
        _make(_BOX)
        for name in os.listdir(f"{_BOX}/tmp"):
            if _MARK in name:
                os.unlink(f"{_BOX}/tmp/{name}")

    def add(self, item: Item, pieces: Pieces) -> str | None:
        """Write the message into ``tmp``, with its date."""
        self._number += 1
        beside = f"{_BOX}/tmp/{item.id}{_MARK}-{self._number}"
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            pieces.into(handle)
            date = item.date if item.date > 0 else time.time()
            os.utime(handle, (date, date))
        except OSError:
            os.unlink(beside)
            raise
        finally:
            os.close(handle)
        flags = "".join(sorted(set(item.flags) & set("DFRST")))
        name = f"{int(date)}.{item.id}{_MARK},S={item.size},W={item.size + item.lines}"
        self._waiting.append(_Waiting(beside, name, flags, (item.where, *item.also), item.keywords))
        return None

    def flush(self) -> Callable[[], list[str]]:
        """Everything to disk, then into ``cur`` of its folders."""
        waiting, self._waiting = self._waiting, []
        return partial(self._show_all, waiting)

    def _show_all(self, waiting: list[_Waiting]) -> list[str]:
        # Also with nothing to show: the names of those before are settled after this.
        sync_all(_BOX)
        answers = [self._show(one) for one in waiting]
        if self._new:
            subscribe(_BOX, self._new)
            sync_folder(_BOX)
        self._new = []
        return answers

    def there(self, item: Item) -> bool:
        """Whether all its folders hold a file with its identity in the name."""
        return all(self._holds(self._folder(name), item.id) for name in (item.where, *item.also))

    def _show(self, one: _Waiting) -> str:
        try:
            forget(one.beside)
            for name in one.folders[1:]:
                self._name(one, name)
            self._name(one, one.folders[0], last=True)
        except OSError as problem:
            os.unlink(one.beside)
            return f"it could not be put into its folder: {problem.strerror}"
        return "added"

    def _name(self, one: _Waiting, name: str, *, last: bool = False) -> None:
        folder = self._ensured(name)
        place = f"{folder}/cur/{one.name}:2,{one.flags}{self._letters(folder, one.keywords)}"
        if last:
            # One of the same name is the same message: it has its digest in it.
            os.rename(one.beside, place)
            return
        try:
            os.link(one.beside, place)
        except FileExistsError:
            return

    def _letters(self, folder: str, names: tuple[str, ...]) -> str:
        """The letters of keywords in a folder; new ones are noted there first, as Dovecot does it."""
        if not names:
            return ""
        known = keywords.read_file(folder)
        wanted, letters = keywords.with_letters(known, names)
        if wanted == known:
            return letters
        lock = f"{folder}/dovecot-uidlist.lock"
        os.close(locked(lock))
        try:
            # Dovecot may have noted others while we waited.
            wanted, letters = keywords.with_letters(keywords.read_file(folder), names)
            beside = f"{folder}/{keywords.FILE}{_MARK}"
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(keywords.write(wanted))
                file.flush()
                os.fsync(file.fileno())
            os.rename(beside, f"{folder}/{keywords.FILE}")
        finally:
            os.unlink(lock)
        return letters

    def _ensured(self, name: str) -> str:
        folder = self._folder(name)
        if folder not in self._ready:
            if folder != _BOX and _make(folder):
                self._new.append(name)
            self._ready.add(folder)
        return folder

    def _folder(self, name: str) -> str:
        return _BOX if name.upper() == "INBOX" else f"{_BOX}/.{written(name)}"

    def _holds(self, folder: str, identity: str) -> bool:
        if self._listed[0] != folder:
            found: set[str] = set()
            for part in ("cur", "new"):
                if os.path.isdir(f"{folder}/{part}"):
                    with os.scandir(f"{folder}/{part}") as entries:
                        found.update(
                            m[1] for e in entries if (m := re.match(rf"\d+\.([0-9a-f]{{32}})\{_MARK},", e.name))
                        )
            self._listed = (folder, found)
        return identity in self._listed[1]


def _make(folder: str) -> bool:
    """Make a Maildir folder; whether it was not there."""
    fresh = not os.path.isdir(folder)
    for part in ("", "/tmp", "/new", "/cur"):
        os.makedirs(folder + part, 0o700, exist_ok=True)
    if fresh and folder != _BOX:
        os.close(os.open(f"{folder}/maildirfolder", os.O_WRONLY | os.O_CREAT, 0o600))
    return fresh
