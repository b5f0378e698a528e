"""Bringing the catalogue up to date: from the manifest of the newest backup, and from pictures taken in between.

Only pieces of the manifest that changed are read, and only what is new is given to the reader.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stead.backup import FOLDER, Known, load_known, manifest_digest, read_index, read_piece
from stead.data import list_pictures
from stead.rehearsal.lock import held
from stead.restore.catalogue import (
    Lain,
    add_lain,
    add_things,
    catalogue,
    note,
    note_learnt,
    read_name,
    set_note,
    unread,
    writing,
)
from stead.restore.foreign import Tree
from stead.restore.glimpses import content_of, look_through
from stead.restore.paths import Kind
from stead.restore.reader import ENTRY, MAIL, read_all
from stead.restore.rows import things
from stead.words.home import Home
from stead.words.progress import Progress


@dataclass(frozen=True)
class Learnt:
    """What one look added: things that were read, paths that came and went. ``at`` is the time of the backup."""

    read: int = 0
    came: int = 0
    went: int = 0
    at: float | None = None


def learn(home: Home, places: Iterable[str], progress: Progress) -> Learnt:
    """Take in the newest manifest, if it is a backup's, and everything new that can still be read here.

    One at a time in a home; who comes second waits and then finds little left to do.
    """
    with held(home, "catalogue", wait=600), catalogue(home) as base:
        if not _is_new(home, base):
            return Learnt(look_through(base, list_pictures(home)))
        with progress.step("learning what is in the newest backup"):
            return _learn(home, base, places)


def _is_new(home: Home, base: sqlite3.Connection) -> bool:
    try:
        return manifest_digest(home.data) != note(base, "manifest")
    except OSError:
        return False


def _learn(home: Home, base: sqlite3.Connection, places: Iterable[str]) -> Learnt:
    learnt = _take_in(home, base, [load_known(home, place) for place in places])
    pictures = list_pictures(home)
    count = read_unread(base, [home.data, *(picture.path for picture in reversed(pictures))])
    count += look_through(base, pictures)
    return Learnt(count, learnt.came, learnt.went, learnt.at)


def _take_in(home: Home, base: sqlite3.Connection, known: list[Known]) -> Learnt:
    """The manifest that live data keeps is the newest backup's."""
    try:
        digest = manifest_digest(home.data)
        at = next((s.taken_at.timestamp() for one in known for s in one.snapshots if s.manifest == digest), None)
        last = float(note(base, "at") or 0)
        if at is None or at <= last:
            return Learnt()
        with writing(base):
            came, went = follow(base, home.data / FOLDER, at)
            set_note(base, "manifest", digest)
            set_note(base, "at", at)
            note_learnt(base, [digest])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        # A backup is just replacing it: the next look finds the new one.
        return Learnt()
    return Learnt(0, came, went, at)


def follow(base: sqlite3.Connection, folder: Path, at: float) -> tuple[int, int]:
    """Let the catalogue say what the manifest in ``folder``, of a copy made ``at``, says; paths that came and went."""
    index = read_index(folder)
    if index is None:
        return 0, 0
    before = {digest: number for number, digest in base.execute("SELECT id, digest FROM piece")}
    now = {piece.digest for piece in index.pieces}
    new = [piece for piece in index.pieces if piece.digest not in before]
    gone = [number for digest, number in before.items() if digest not in now]
    old = _listed(base, gone)
    came = 0
    for piece in new:
        number = base.execute("INSERT INTO piece (digest) VALUES (?)", (piece.digest,)).lastrowid
        came += _add(base, number or 0, list(things(read_piece(folder, piece), at)), old)
    base.executemany("UPDATE lain SET until = ? WHERE id = ?", ((at, number) for number in old.values()))
    base.executemany("DELETE FROM piece WHERE id = ?", ((number,) for number in gone))
    return came, len(old)


def _listed(base: sqlite3.Connection, pieces: list[int]) -> dict[tuple[str, bytes], int]:
    listed = {}
    for piece in pieces:
        rows = base.execute("SELECT id, path, sha FROM lain WHERE until IS NULL AND piece = ?", (piece,))
        listed.update({(read_name(path), sha): number for number, path, sha in rows})
    return listed


def _add(base: sqlite3.Connection, number: int, listed: list[Lain], old: dict[tuple[str, bytes], int]) -> int:
    """Enter a new piece's rows: what is in ``old`` only moved to this piece (and is taken out of ``old``)."""
    stay, came = [], []
    for one in listed:
        there = old.pop((one.path, one.sha), None)
        if there is not None:
            stay.append((number, there))
        else:
            came.append((one, number))
    base.executemany("UPDATE lain SET piece = ? WHERE id = ?", stay)
    add_lain(base, came)
    return len(came)


def read_unread(base: sqlite3.Connection, roots: list[Path]) -> int:
    """Give what was not read yet to the reader, out of the first of ``roots`` that still has it."""
    count = 0
    trees = [Tree(root) for root in roots]
    try:
        for batch in unread(base):
            found = list(_contents(trees, batch))
            abouts = list(read_all((kind, content) for _sha, kind, content in found))
            with writing(base):
                add_things(base, zip((sha for sha, _kind, _content in found), abouts, strict=True))
            count += len(found)
    finally:
        for tree in trees:
            tree.close()
    return count


def _contents(trees: list[Tree], batch: list[tuple[bytes, Kind, str]]) -> Iterator[tuple[bytes, int, bytes]]:
    for sha, kind, path in batch:
        for tree in trees:
            content = content_of(tree, kind, path, sha)
            if content is not None:
                yield sha, MAIL if kind is Kind.MAIL else ENTRY, content
                break
