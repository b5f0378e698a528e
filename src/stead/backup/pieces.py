"""A manifest on disk: rows in pieces named by their own SHA-256, and an index that lists the pieces in order.

Pieces are cut where a path's checksum says so, so a few changed mails change a few small pieces. The index's digest
names everything: a piece that does not match its name is damaged.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import Any

from stead.backup.altered import Origin

#: Path, type, mode, uid, gid, size, mtime, digest or target, inode, ctime. A list: there is one for every file.
Row = list[Any]
PATH, TYPE, SIZE, CONTENT, INODE, CTIME = 0, 1, 5, 7, 8, 9
INDEX = "index.json"
_CUT = 0x1FF
_SCHEMA = 2


def order(path: str) -> list[bytes]:
    """What paths are sorted by: folders before what is in them, names in byte order; the top (".") first."""
    return [] if path in ("", ".") else os.fsencode(path).split(b"/")


@dataclass(frozen=True)
class Piece:
    """One piece: its digest, the first path in it, its own length, and what its rows add up to."""

    digest: str
    first: str
    length: int
    files: int
    size: int
    folders: dict[str, int]
    problems: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.digest[:32]}.json"


@dataclass(frozen=True)
class Shift:
    """What one manifest found changed among settled files since the one before, which held ``files``."""

    at: float
    files: int
    gone: int
    rewritten: int


@dataclass(frozen=True)
class Index:
    """All pieces in order, and what the picture was: where it came from, what was left out, when it was walked.

    ``shifts`` are what changed in the last day, one for each manifest made.
    """

    pieces: tuple[Piece, ...]
    origin: Origin | None = None
    left_out: tuple[str, ...] = ()
    walked_at: float = 0.0
    shifts: tuple[Shift, ...] = ()


def write_piece(folder: Path, rows: Sequence[Row]) -> Piece:
    """Write one piece (if it is not there already) and say what is in it."""
    content = b"[\n" + ",\n".join(map(_line, rows)).encode() + b"\n]\n"
    files = [row for row in rows if row[TYPE] == "file"]
    folders: dict[str, int] = {}
    for row in files:
        top = row[PATH].partition("/")[0]
        folders[top] = folders.get(top, 0) + 1
    problems = tuple(
        f"{row[PATH]} is a btrfs subvolume of its own, which no picture can hold"
        for row in rows
        if row[TYPE] == "subvolume"
    )
    piece = Piece(
        hashlib.sha256(content).hexdigest(), rows[0][PATH], len(content), len(files),
        sum(row[SIZE] for row in files), folders, problems,
    )  # fmt: skip
    file = folder / piece.name
    # One that is there stays as it is, so that restic need not read it again; unless it is damaged.
    if not file.exists() or file.read_bytes() != content:
        file.write_bytes(content)
    return piece


def read_piece(folder: Path, piece: Piece) -> list[Row]:
    """The rows of a piece; ValueError when it is not what the index says."""
    content = (folder / piece.name).read_bytes()
    if hashlib.sha256(content).hexdigest() != piece.digest:
        raise ValueError(f"the piece {piece.name} is damaged")
    rows: list[Row] = json.loads(content)
    return rows


def ends(path: str) -> bool:
    """Whether a piece ends after this path."""
    return zlib.crc32(os.fsencode(path)) & _CUT == 0


def write_index(folder: Path, index: Index) -> None:
    """Replace the index, then remove the pieces it does not name."""
    raw = {"schema": _SCHEMA, **asdict(index)}
    new = folder / "index.new"
    new.write_text(json.dumps(raw, separators=(",", ":")))
    new.replace(folder / INDEX)
    named = {piece.name for piece in index.pieces} | {INDEX}
    for name in set(os.listdir(folder)) - named:
        (folder / name).unlink()


def read_index(folder: Path) -> Index | None:
    """The index in a manifest's folder; None if there is none. ValueError, KeyError or TypeError: it is damaged."""
    try:
        raw = json.loads((folder / INDEX).read_bytes())
    except FileNotFoundError:
        return None
    pieces = tuple(Piece(**{**one, "problems": tuple(one["problems"])}) for one in raw["pieces"])
    origin = Origin(**raw["origin"]) if raw["origin"] else None
    return Index(pieces, origin, tuple(raw["left_out"]), raw["walked_at"], tuple(Shift(**one) for one in raw["shifts"]))


def rows_of(folder: Path, index: Index) -> Iterator[Row]:
    """All rows in order."""
    for piece in index.pieces:
        yield from read_piece(folder, piece)


class Cutter:
    """Takes rows in order and gives back pieces as they are full."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: list[Row] = []

    @property
    def open(self) -> bool:
        """Whether rows wait for more."""
        return bool(self._rows)

    def add(self, row: Row) -> Iterator[Piece]:
        """Take a row; the piece it ends, if it ends one."""
        self._rows.append(row)
        if ends(row[PATH]):
            yield from self.close()

    def close(self) -> Iterator[Piece]:
        """The last piece, if rows are left."""
        if self._rows:
            yield write_piece(self._folder, self._rows)
            self._rows = []


def _line(row: Row) -> str:
    content = "null" if row[CONTENT] is None else quoted(row[CONTENT])
    return f'[{quoted(row[0])},"{row[1]}",{row[2]},{row[3]},{row[4]},{row[5]},{row[6]},{content},{row[8]},{row[9]}]'
