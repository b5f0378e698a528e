"""The manifest of a picture: every path with its type, owner, size, time and SHA-256, written into the picture itself.

It is the proof, independent of restic, that what came back is what was there. Here it is read; it is made in
``making``. Snapshots made before there was an index hold numbered pieces of lines: those are read, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stead.backup.making import write_manifest
from stead.backup.pieces import INDEX, Index, Row, read_index, rows_of
from stead.backup.walking import FOLDER, walk
from stead.words.errors import SteadError

__all__ = ["FOLDER", "Entry", "Summary", "manifest_digest", "manifest_maker", "read_manifest", "summarise", "walk"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of the manifest. ``sha256`` of files, ``target`` of links."""

    path: str
    type: str
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    sha256: str | None = None
    target: str | None = None


@dataclass(frozen=True)
class Summary:
    """What a picture holds: regular files and their bytes (the manifest's own included), files per top folder.

    ``digest`` names the manifest's content; ``problems`` are paths that a backup could not save.
    """

    files: int
    size: int
    folders: dict[str, int]
    digest: str
    problems: tuple[str, ...] = field(default=())


def manifest_maker(left_out: Sequence[str] = ()) -> Callable[[Path], Index]:
    """What finishes a picture for a backup: it writes the manifest into the picture in the making."""
    return lambda root: write_manifest(root, left_out)


def summarise(root: Path) -> Summary:
    """Sum up the manifest in the picture at ``root``, out of its index alone; SteadError if it has none."""
    folder = root / FOLDER
    index = read_index(folder)
    if index is None:
        raise SteadError(f"the picture {root.name} has no manifest, so nothing could be said about a backup of it")
    folders: dict[str, int] = {}
    for piece in index.pieces:
        for name, count in piece.folders.items():
            folders[name] = folders.get(name, 0) + count
    own = sum(piece.length for piece in index.pieces) + (folder / INDEX).stat().st_size
    return Summary(
        files=sum(piece.files for piece in index.pieces) + len(index.pieces) + 1,
        size=sum(piece.size for piece in index.pieces) + own,
        folders=folders,
        digest=manifest_digest(root),
        problems=tuple(problem for piece in index.pieces for problem in piece.problems),
    )


def read_manifest(root: Path) -> Iterator[Entry]:
    """The entries of the manifest under ``root`` (a picture, a mounted snapshot, or a restored one), in its order.

    ValueError when a piece is not what the index says.
    """
    index = read_index(root / FOLDER)
    if index is not None:
        yield from map(_entry, rows_of(root / FOLDER, index))
        return
    for piece in _old_pieces(root):
        with piece.open("rb") as file:
            for line in file:
                yield Entry(**json.loads(line))


def manifest_digest(root: Path) -> str:
    """The digest of the manifest under ``root``; compare with what the host remembers of that snapshot.

    It is the index's, which names every piece by its own digest; reading verifies those.
    """
    index = root / FOLDER / INDEX
    total = hashlib.sha256()
    for piece in [index] if index.exists() else _old_pieces(root):
        total.update(piece.read_bytes())
    return total.hexdigest()


def _entry(row: Row) -> Entry:
    path, kind, mode, uid, gid, size, mtime, content, _inode, _ctime = row
    is_file = kind == "file"
    return Entry(path, kind, mode, uid, gid, size, mtime, content if is_file else None, None if is_file else content)


def _old_pieces(root: Path) -> list[Path]:
    return sorted((root / FOLDER).glob("*.jsonl"))
