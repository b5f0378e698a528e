"""Where copies are: pictures on this computer, then snapshots in the places; and getting one file out of one."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from stead.backup import Kind as PlaceKind
from stead.backup import Place, fetch, load_known
from stead.data import Picture, list_pictures
from stead.restore.catalogue import Lain
from stead.restore.foreign import Tree
from stead.words.errors import SteadError, UnprovenError
from stead.words.home import Home

_AT_ONCE = 1 << 20
_SMALL = 1 << 14


@dataclass(frozen=True)
class Source:
    """A copy of data made at ``at``: a picture, or a snapshot (its full id) in a place."""

    at: datetime
    picture: Picture | None = None
    place: Place | None = None
    snapshot: str = ""
    manifest: str = ""

    @property
    def moment(self) -> float:
        """Its time as the catalogue writes it."""
        return self.at.timestamp()

    def words(self) -> str:
        """Where it is, for people; its time is said beside it."""
        return "on this computer" if self.place is None else f"{self.place.name} ({self.snapshot[:8]})"

    def to_json(self) -> dict[str, str]:
        """As ``--json`` shows it."""
        if self.place is None:
            return {"picture": self.picture.name if self.picture else ""}
        return {"place": self.place.name, "snapshot": self.snapshot}


@dataclass(frozen=True)
class Back:
    """One thing that is back (or, ``there``: that was there already). ``where`` is for people."""

    what: str
    where: str
    source: Source | None
    there: bool = False


@dataclass
class Troubles:
    """What could not be asked on the way; it is told, and does not stop the rest."""

    words: list[str] = field(default_factory=list)

    def add(self, words: str) -> None:
        """Note one, once."""
        if words not in self.words:
            self.words.append(words)


def sources(home: Home, places: Sequence[Place], base: sqlite3.Connection) -> list[Source]:
    """Every copy there is: pictures newest first, then snapshots, those on disks before those far away.

    Of a place those that were put there from here, and others that were met in it when it was looked into. Of two made
    within one second the later one comes first.
    """
    pictures = [Source(one.taken_at, one) for one in list_pictures(home) if not one.for_backup]
    far = sorted(places, key=lambda place: place.kind is not PlaceKind.FOLDER)
    kept = [source for place in far for source in _in_place(home, place, base)]
    return [*reversed(pictures), *kept]


def _in_place(home: Home, place: Place, base: sqlite3.Connection) -> list[Source]:
    known = load_known(home, place.name)
    found = [Source(one.taken_at, place=place, snapshot=one.id, manifest=one.manifest) for one in known.snapshots]
    there = {one.snapshot for one in found}
    rows = base.execute("SELECT snapshot, at, manifest FROM met WHERE place = ?", (place.name,))
    met = [
        Source(datetime.fromtimestamp(at, UTC), place=place, snapshot=snapshot, manifest=manifest)
        for snapshot, at, manifest in rows
        if snapshot not in there
    ]
    # Known are the oldest first: turned round afterwards, the later of two of one second leads.
    return sorted(found + met, key=lambda one: one.at)[::-1]


def holding(known: Iterable[Source], rows: Iterable[Lain]) -> Iterator[tuple[Source, Lain]]:
    """The copies that hold any of ``rows``, each with the row it holds, in the order of preference."""
    every = list(rows)
    for source in known:
        for row in every:
            if row.at(source.moment):
                yield source, row
                break


def span(known: Sequence[Source]) -> str:
    """How far back copies reach, in words."""
    parts = []
    pictures = [one for one in known if one.place is None]
    if pictures:
        parts.append(f"{len(pictures)} pictures on this computer (the oldest of {say(min(p.at for p in pictures))})")
    for name in dict.fromkeys(one.place.name for one in known if one.place):
        there = [one for one in known if one.place and one.place.name == name]
        parts.append(f"{len(there)} backups in {name} (the oldest of {say(min(p.at for p in there))})")
    return " and ".join(parts) or "nothing: there is no picture and no backup yet"


def say(moment: datetime | float) -> str:
    """A moment as the owner's clock shows it."""
    when = datetime.fromtimestamp(moment, UTC) if isinstance(moment, float | int) else moment
    return when.astimezone().strftime("%Y-%m-%d %H:%M")


@contextmanager
def fetched(
    home: Home, program: Path, choices: Iterable[tuple[Source, Lain]], troubles: Troubles
) -> Iterator[tuple[Source, Lain, IO[bytes]]]:
    """The content of one thing, out of the first copy that really has it, whole; compared with its SHA-256.

    UnprovenError when no copy could be asked, SteadError when copies answered and the content was wrong.
    """
    damaged = False
    with tempfile.TemporaryFile(dir=_folder(home)) as out:
        for source, row in choices:
            try:
                _bring(home, program, source, row, out)
            except SteadError as trouble:
                damaged = damaged or not isinstance(trouble, UnprovenError)
                troubles.add(trouble.message)
                out.seek(0)
                out.truncate()
                continue
            out.seek(0)
            yield source, row, out
            return
    why = "; ".join(troubles.words) or "no picture and no backup holds it any more"
    raise (SteadError if damaged else UnprovenError)(
        f"it is known, and no copy gives it back: {why}", hint="stead backup places lists where copies are"
    )


def beside(home: Home, program: Path, source: Source, path: str) -> bytes:
    """The small file at ``path`` in a copy; empty when it cannot be had, for it only adds to what comes back."""
    if source.picture is not None:
        tree = Tree(source.picture.path)
        try:
            return tree.read(path, _SMALL) or b""
        finally:
            tree.close()
    if source.place is None:
        return b""
    with tempfile.TemporaryFile() as out:
        try:
            fetch(home, source.place, program, source.snapshot, path, out=out)
        except SteadError:
            return b""
        out.seek(0)
        return out.read(_SMALL)


def _bring(home: Home, program: Path, source: Source, row: Lain, out: IO[bytes]) -> None:
    if source.place is not None:
        fetch(home, source.place, program, source.snapshot, row.path, out=out)
    elif source.picture is not None:
        tree = Tree(source.picture.path)
        try:
            handle = tree.open(row.path)
        finally:
            tree.close()
        if handle is None:
            raise SteadError(f"the picture of {say(source.at)} does not hold it")
        with os.fdopen(handle, "rb") as there:
            shutil.copyfileobj(there, out, _AT_ONCE)
        out.flush()
    out.seek(0)
    digest = hashlib.sha256()
    while piece := out.read(_AT_ONCE):
        digest.update(piece)
    if digest.digest() != row.sha:
        raise SteadError(f"what {source.words()} of {say(source.at)} holds is not what was saved (SHA-256 differs)")


def _folder(home: Home) -> Path:
    folder = home.lib / "cache"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
