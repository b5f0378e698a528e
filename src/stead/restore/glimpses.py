"""What only pictures have seen: mails and entries that came and went between two backups, so in no manifest.

A picture is looked through once: names are compared with what the catalogue knows, and only strangers are read.
"""

from __future__ import annotations

import hashlib
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from stead.data import Picture
from stead.restore.about import About
from stead.restore.catalogue import MOMENT, Lain, add_lain, add_things, is_read, read_name, writing
from stead.restore.foreign import Tree
from stead.restore.paths import Kind, base_of, maildir, named
from stead.restore.reader import ENTRY, ENTRY_LIMIT, HEAD_LIMIT, MAIL, head_of, read_all

#: Strangers read of one picture at once: there are few, unless no backup was ever made.
_MOST = 5000
_WHOLE = 256 << 20
#: An entry may carry pictures and files.
_BIGGEST_ENTRY = 32 << 20
_ENTRIES = "calendar/collections/collection-root"


def look_through(base: sqlite3.Connection, pictures: Iterable[Picture]) -> int:
    """Take in every picture that was not looked through yet; things that were read."""
    seen = {name for (name,) in base.execute("SELECT picture FROM seen")}
    present = [picture for picture in pictures if not picture.for_backup]
    gone = seen - {picture.name for picture in present}
    fresh = [picture for picture in present if picture.name not in seen]
    if not fresh and not gone:
        return 0
    count = 0
    for picture in fresh:
        found = _of_picture(base, picture)
        with writing(base):
            add_lain(base, ((one, None) for one, _about in found))
            add_things(base, ((one.sha, about) for one, about in found if about is not None))
            base.execute("INSERT OR IGNORE INTO seen VALUES (?)", (picture.name,))
        count += len(found)
    with writing(base):
        base.executemany("DELETE FROM seen WHERE picture = ?", ((name,) for name in gone))
    return count


class Present:
    """What mails or entries of an account are in live data now."""

    def __init__(self, live: Path, owner: str, kind: Kind) -> None:
        self.tree, self.kind = Tree(live), kind
        self._mails = mails_in(self.tree, owner) if kind is Kind.MAIL else {}
        self._entries = list(entry_paths(self.tree, owner)) if kind is Kind.ENTRY else []

    def folder(self, path: str) -> str | None:
        """The folder that what lay at ``path`` lies in now; None: it is gone. A mail's flags and folder may differ."""
        if self.kind is Kind.MAIL:
            path = self._mails.get(base_of(path.rpartition("/")[2]), "")
        elif self.tree.status(path) is None:
            return None
        what = named(path)
        return None if what is None else what.folder

    def strangers(self, base: sqlite3.Connection, owner: str, now: float) -> None:
        """Take in what came since the newest backup, so that what is there is known to be there."""
        known = _Known(base, owner)
        fresh = [(Kind.MAIL, path) for name, path in self._mails.items() if name not in known.mails]
        fresh += [(Kind.ENTRY, path) for path in self._entries if not known.holds(self.tree, path)]
        found = _learnt(base, self.tree, fresh[:_MOST], now)
        if found:
            with writing(base):
                add_lain(base, ((one, None) for one, _about in found))
                add_things(base, ((one.sha, about) for one, about in found if about is not None))


def content_of(tree: Tree, kind: Kind, path: str, sha: bytes) -> bytes | None:
    """What the reader needs of a mail or an entry; None if it is not there (of an entry: not with this content).

    Of an entry too big to be one: nothing, so that it is not looked at again and again.
    """
    if kind is Kind.MAIL:
        # A mail's file is never written again, so its name says enough.
        content = tree.read(path, HEAD_LIMIT)
        return None if content is None else head_of(content)
    content = tree.read(path, _BIGGEST_ENTRY + 1)
    if content is not None and len(content) > _BIGGEST_ENTRY:
        return b""
    if content is None or hashlib.sha256(content).digest() != sha:
        return None
    return content[:ENTRY_LIMIT]


class _Known:
    """What the catalogue knows already: mails by their names without flags, entries by path, size and time."""

    def __init__(self, base: sqlite3.Connection, owner: str) -> None:
        mails = base.execute("SELECT path FROM lain WHERE owner = ? AND kind = 'mail'", (owner,))
        self.mails = {base_of(read_name(path).rpartition("/")[2]) for (path,) in mails}
        rows = base.execute("SELECT path, size, mtime FROM lain WHERE owner = ? AND kind = 'entry'", (owner,))
        self._entries = {(read_name(path), size, mtime) for path, size, mtime in rows}

    def holds(self, tree: Tree, path: str) -> bool:
        info = tree.status(path)
        return info is None or (path, info.st_size, info.st_mtime_ns) in self._entries


_Found = list[tuple[Lain, About | None]]


def _of_picture(base: sqlite3.Connection, picture: Picture) -> _Found:
    """What a picture holds that is new, user by user: memory goes with the biggest mailbox, not with all of them."""
    tree, found = Tree(picture.path), list[tuple[Lain, About | None]]()
    try:
        for owner in sorted({one.name for top in ("mail/home", _ENTRIES) for one in tree.names(top)}):
            known = _Known(base, owner)
            mails = ((Kind.MAIL, path) for name, path in mails_in(tree, owner).items() if name not in known.mails)
            entries = ((Kind.ENTRY, path) for path in entry_paths(tree, owner) if not known.holds(tree, path))
            found += _learnt(base, tree, list(islice(chain(mails, entries), _MOST)), picture.taken_at.timestamp())
    finally:
        tree.close()
    return found


def _learnt(base: sqlite3.Connection, tree: Tree, paths: Iterable[tuple[Kind, str]], at: float) -> _Found:
    """The rows of strangers, and what they say of themselves where their content is new, too."""
    found = [thing for kind, path in paths for thing in _read(tree, kind, path, at)]
    old = {one.sha for one, _number, _content in found if is_read(base, one.sha)}
    new = {one.sha: (number, content) for one, number, content in found if one.sha not in old}
    abouts = dict(zip(new, read_all(new.values()), strict=True))
    return [(one, abouts.get(one.sha)) for one, _number, _content in found]


def _read(tree: Tree, kind: Kind, path: str, at: float) -> list[tuple[Lain, int, bytes]]:
    info, content, what = tree.status(path), tree.read(path, _WHOLE), named(path)
    if info is None or content is None or what is None:
        return []
    sha = hashlib.sha256(content).digest()
    one = Lain(kind, what.owner, what.folder, path, sha, info.st_size, info.st_mtime_ns, at, at + MOMENT)
    needed = head_of(content[:HEAD_LIMIT]) if kind is Kind.MAIL else content[:ENTRY_LIMIT]
    return [(one, MAIL if kind is Kind.MAIL else ENTRY, needed)]


def mails_in(tree: Tree, owner: str) -> dict[str, str]:
    """Every mail of an account, by names alone: its name without flags, and its path."""
    top = maildir(owner)
    found = {}
    for box in (top, *(f"{top}/{one.name}" for one in tree.names(top) if one.name.startswith("."))):
        for part in ("cur", "new"):
            for entry in tree.names(f"{box}/{part}"):
                if not entry.name.startswith("."):
                    found[base_of(entry.name)] = f"{box}/{part}/{entry.name}"
    return found


def file_rows(tree: Tree, path: str) -> Iterator[Lain]:
    """The file at ``path``, or all files below the folder there, with no digest yet (they were not read)."""
    info = tree.status(path)
    if info is None:
        return
    found = tree.walk(path) if stat.S_ISDIR(info.st_mode) else iter([(path, info)])
    for where, one in found:
        what = named(where)
        if what is not None and stat.S_ISREG(one.st_mode):
            yield Lain(what.kind, what.owner, what.folder, where, b"", one.st_size, one.st_mtime_ns, 0.0)


def entry_paths(tree: Tree, owner: str) -> Iterator[str]:
    """The path of every calendar entry and contact of an account, by names alone."""
    for collection in tree.names(f"{_ENTRIES}/{owner}"):
        folder = f"{_ENTRIES}/{owner}/{collection.name}"
        for entry in tree.names(folder):
            path = f"{folder}/{entry.name}"
            if named(path) is not None:
                yield path
