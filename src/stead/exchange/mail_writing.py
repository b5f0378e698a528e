"""Messages into a Maildir as Dovecot keeps it: size and date in the name, the date of receipt as the file's own.

Dovecot gives UIDs when it sees new files, oldest first. A message in several folders is one file with several names.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

from stead.exchange.aside import Aside, is_empty, left_over
from stead.exchange.folders import is_there, locked, make, subscribe, written
from stead.exchange.items import Item
from stead.exchange.pieces import Pieces
from stead.exchange.writing import forget, sync_all
from stead.words import keywords

_BOX = "/Maildir"
_MARK = ".stead"
_OURS = re.compile(rf"\d+\.([0-9a-f]{{32}})\{_MARK},")
_ADDED = "added"


class _Waiting(NamedTuple):
    """A message on its way. ``beside``: where it lies, which is its last name if an empty folder is filled ``aside``;
    ``places``: further names that it gets, its own folder's at the end."""

    beside: str
    aside: Aside | None
    places: tuple[str, ...]


class Keeping:
    """The mail of one account."""

    def __init__(self) -> None:
        self._number = 0
        self._waiting: list[_Waiting] = []
        self._ready: set[str] = set()
        self._filled: dict[str, Aside | None] = {}

    def begin(self) -> None:
        """Make the Maildir if the account never had mail; sweep up what a killed run left."""
        make(_BOX, _BOX)
        for name in os.listdir(f"{_BOX}/tmp"):
            if _MARK in name:
                os.unlink(f"{_BOX}/tmp/{name}")
        for aside in left_over(_BOX):
            aside.show()

    def add(self, item: Item, pieces: Pieces) -> str | None:
        """Write the message with its date: into ``tmp``, or to where an empty folder is filled."""
        date = item.date if item.date > 0 else time.time()
        name = f"{int(date)}.{item.id}{_MARK},S={item.size},W={item.size + item.lines}"
        flags = "".join(sorted(set(item.flags) & set("DFRST")))
        # Its own folder comes last.
        places = [self._place(folder, f"{name}:2,{flags}", item.keywords) for folder in (*item.also, item.where)]
        aside = self._aside(_folder(item.where))
        self._number += 1
        tmp = f"{_BOX}/tmp/{item.id}{_MARK}-{self._number}"
        beside = f"{aside.cur}/{os.path.basename(places.pop())}" if aside else tmp
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            pieces.into(handle)
            os.utime(handle, (date, date))
        except BaseException:
            os.unlink(beside)
            raise
        finally:
            os.close(handle)
        self._waiting.append(_Waiting(beside, aside, tuple(places)))
        return None

    def flush(self) -> Callable[[], list[str]]:
        """Everything to disk, then into ``cur`` of its folders, or noted as whole."""
        waiting, self._waiting = self._waiting, []
        return partial(_show_all, waiting)

    def end(self) -> None:
        """Put what was filled aside in its place. No batch is under way."""
        filled, self._filled = self._filled, {}
        for aside in filled.values():
            if aside:
                aside.show()

    def there(self, items: Sequence[Item]) -> list[bool]:
        """Whether all its folders hold a file with its identity in the name. Each folder is looked through once."""
        wanted: dict[str, set[str]] = {}
        for item in items:
            for name in (item.where, *item.also):
                wanted.setdefault(_folder(name), set()).add(item.id)
        held = {folder: _held(folder, ids) for folder, ids in wanted.items()}
        return [all(item.id in held[_folder(name)] for name in (item.where, *item.also)) for item in items]

    def _place(self, name: str, file: str, names: tuple[str, ...]) -> str:
        """The path of a message in a folder, which is there then."""
        folder = _folder(name)
        if folder not in self._ready:
            if not is_there(folder):
                # First, so that no kill leaves a folder that mail programs do not show.
                subscribe(_BOX, name)
                make(_BOX, folder)
            self._ready.add(folder)
        return f"{folder}/cur/{file}{_letters(folder, names)}"

    def _aside(self, folder: str) -> Aside | None:
        """What fills a folder that was empty when the first message came."""
        if folder not in self._filled:
            self._filled[folder] = Aside(_BOX, folder) if is_empty(folder) else None
        return self._filled[folder]


def _held(folder: str, ids: set[str]) -> set[str]:
    """Which of these identities are in the name of a message in ``folder``."""
    found: set[str] = set()
    for part in ("cur", "new"):
        if os.path.isdir(f"{folder}/{part}"):
            with os.scandir(f"{folder}/{part}") as entries:
                found.update(m[1] for e in entries if (m := _OURS.match(e.name)) and m[1] in ids)
    return found


def _show_all(waiting: list[_Waiting]) -> list[str]:
    # Also with nothing to show: the names of those before are settled after this.
    sync_all(_BOX)
    answers, whole = [], dict[Aside, list[str]]()
    for one in waiting:
        answers.append(_show(one))
        if one.aside and answers[-1] == _ADDED:
            whole.setdefault(one.aside, []).append(os.path.basename(one.beside))
    for aside, names in whole.items():
        aside.note(names)
    return answers


def _show(one: _Waiting) -> str:
    try:
        forget(one.beside)
        for place in one.places[: None if one.aside else -1]:
            try:
                os.link(one.beside, place)
            except FileExistsError:
                continue
        if not one.aside:
            # One of the same name is the same message: it has its digest in it.
            os.rename(one.beside, one.places[-1])
    except OSError as problem:
        os.unlink(one.beside)
        return f"it could not be put into its folder: {problem.strerror}"
    return _ADDED


@lru_cache(maxsize=1024)
def _folder(name: str) -> str:
    return _BOX if name.upper() == "INBOX" else f"{_BOX}/.{written(name)}"


def _letters(folder: str, names: tuple[str, ...]) -> str:
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
