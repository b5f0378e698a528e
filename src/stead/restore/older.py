"""Backups the catalogue has not seen: made before it was begun, or on a computer that is lost. Read out of the place.

One cold mount for each place; of each manifest only what no other one said before. The catalogue then says that a
thing lay at its path between the first and the last copy that lists it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stead.backup import (
    FOLDER,
    MountedPlace,
    Place,
    Restic,
    list_ids,
    load_known,
    manifest_digest,
    mount_cold,
    open_place,
    read_index,
    read_piece,
    snapshots,
)
from stead.restore.catalogue import add_things, learnt, note_learnt, unread, widen, writing
from stead.restore.foreign import Tree
from stead.restore.glimpses import content_of
from stead.restore.paths import Kind
from stead.restore.reader import ENTRY, MAIL, read_all
from stead.restore.rows import things
from stead.restore.sources import Source, Troubles
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.progress import Progress

#: What marks a snapshot of data, in all places.
DATA_TAG = "data"


def unseen(base: sqlite3.Connection, known: Iterable[Source]) -> list[Source]:
    """The backups of which the catalogue knows nothing, oldest first; the same data in two places once."""
    there = learnt(base)
    found: dict[str, Source] = {}
    for one in known:
        if one.place is not None and one.manifest not in there:
            found.setdefault(one.manifest, one)
    return sorted(found.values(), key=lambda one: one.moment)


def learn_older(
    home: Home,
    base: sqlite3.Connection,
    program: Path,
    known: Sequence[Source],
    places: Iterable[Place],
    *,
    troubles: Troubles,
    progress: Progress,
) -> int:
    """Take in all backups not seen yet, and read what could not be read when it was seen; how many of both.

    A place that cannot be asked is told in ``troubles``, and the others are asked.
    """
    count = 0
    for place in places:
        try:
            with progress.step(f"looking into the backups at {place.name}"):
                there = [one for one in known if one.place == place]
                strangers = _strangers(home, base, Restic(program, place), {one.snapshot for one in there})
                wanted = unseen(base, there) + strangers
                if wanted or any(unread(base, ever=True)):
                    point = home.run / "restore" / f"{place.name}-{os.getpid()}"
                    with mount_cold(home, place, program, point) as mounted:
                        count += _take_in(base, mounted, wanted, troubles)
                        count += _read_gone(base, mounted, there + strangers)
        except SteadError as trouble:
            troubles.add(f"{place.name}: {trouble.message}")
    return count


def _strangers(home: Home, base: sqlite3.Connection, restic: Restic, there: set[str]) -> list[Source]:
    """Backups in the place that were not put there from here: made on a computer that is lost, or by another one.

    Raises the nouns of ``troubles`` when the place cannot be asked.
    """
    open_place(home, restic)
    if restic.place.folder is not None and not {*list_ids(restic, "snapshots")} - there - _releases(home, restic.place):
        return []
    return [
        Source(one.began_at, place=restic.place, snapshot=one.id)
        for one in snapshots(restic)
        if one.id not in there and DATA_TAG in one.tags
    ]


def _releases(home: Home, place: Place) -> set[str]:
    return set(load_known(home, place.name).releases.values())


@dataclass
class _Seen:
    """A piece of some manifests: when the first and the last copy that list it were made, and where to read it."""

    first: float
    last: float
    folder: Path


def _take_in(base: sqlite3.Connection, mounted: MountedPlace, wanted: list[Source], troubles: Troubles) -> int:
    pieces: dict[str, _Seen] = {}
    good: list[tuple[Source, str]] = []
    for source in wanted:
        try:
            good.append((source, _note_pieces(mounted, source, pieces)))
        except (SteadError, OSError, ValueError, KeyError, TypeError) as wrong:
            words = wrong.message if isinstance(wrong, SteadError) else str(wrong)
            troubles.add(f"the backup {source.snapshot[:8]} at {mounted.place.name}: {words}")
    with writing(base):
        for digest, seen in pieces.items():
            _take(base, digest, seen, troubles)
        note_learnt(base, (manifest for _source, manifest in good))
        base.executemany(
            "INSERT OR IGNORE INTO met VALUES (?, ?, ?, ?)",
            ((mounted.place.name, one.snapshot, one.moment, manifest) for one, manifest in good if not one.manifest),
        )
    return len(good)


def _note_pieces(mounted: MountedPlace, source: Source, pieces: dict[str, _Seen]) -> str:
    """Note when each piece of a manifest was listed; the manifest's digest."""
    root = mounted.data(source.snapshot)
    folder = root / FOLDER
    index = read_index(folder)
    if index is None:
        raise ValueError("it has no list of its files that can be searched")
    for piece in index.pieces:
        seen = pieces.setdefault(piece.digest, _Seen(source.moment, source.moment, folder))
        seen.first, seen.last = min(seen.first, source.moment), max(seen.last, source.moment)
    return source.manifest or manifest_digest(root)


def _take(base: sqlite3.Connection, digest: str, seen: _Seen, troubles: Troubles) -> None:
    index = read_index(seen.folder)
    piece = next((one for one in index.pieces if one.digest == digest), None) if index else None
    try:
        if piece is not None:
            widen(base, things(read_piece(seen.folder, piece), seen.first), seen.last)
    except (OSError, ValueError) as damaged:
        troubles.add(f"a part of the list of files: {damaged}")


def _read_gone(base: sqlite3.Connection, mounted: MountedPlace, there: list[Source]) -> int:
    """Give to the reader what is not in live data any more; ``there`` are the place's backups, newest first."""
    count = 0
    for source in there:
        tree = None
        try:
            for batch in unread(base, at=source.moment):
                tree = tree or Tree(mounted.data(source.snapshot))
                found = list(_contents(tree, batch))
                abouts = list(read_all((number, content) for _sha, number, content in found))
                with writing(base):
                    add_things(base, zip((sha for sha, _n, _c in found), abouts, strict=True))
                count += len(found)
        finally:
            if tree is not None:
                tree.close()
    return count


def _contents(tree: Tree, batch: list[tuple[bytes, Kind, str]]) -> Iterator[tuple[bytes, int, bytes]]:
    for sha, kind, path in batch:
        content = content_of(tree, kind, path, sha)
        if content is not None:
            yield sha, MAIL if kind is Kind.MAIL else ENTRY, content
