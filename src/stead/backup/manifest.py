"""The manifest of a picture: every path with its type, owner, size, time and SHA-256, written into the picture itself.

It is the proof, independent of restic, that what came back is what was there. It is cut into pieces at paths whose
checksum says so: a few changed mails change a few small pieces, so a backup does not store the whole list again.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from stead.backup.digests import Digests
from stead.words.errors import SteadError
from stead.words.home import Home

#: Where the manifest lies in a picture; it does not list itself.
FOLDER = ".stead/manifest"
_CUT = 0x1FF
#: One encoder for all lines: making one per line costs more than the line.
_JSON = json.JSONEncoder(separators=(",", ":"))
_TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link", stat.S_IFIFO: "pipe"}
#: Inode of the empty folder that stands where a subvolume was: a picture does not hold what is in it.
_HIDDEN_SUBVOLUME = 2


@dataclass(frozen=True)
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

    def line(self) -> bytes:
        """The entry as one line of JSON; bytes that are no UTF-8 survive as escapes."""
        held = {name: value for name, value in vars(self).items() if value is not None}
        return _JSON.encode(held).encode() + b"\n"


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


def manifest_maker(home: Home) -> Callable[[Path], None]:
    """What finishes a picture for a backup: it writes the manifest into the picture in the making."""
    return lambda root: write_manifest(root, home.lib / "cache/digests.jsonl")


def write_manifest(root: Path, known: Path) -> None:
    """Write the manifest of the picture in the making at ``root``; only root may be able to write there.

    ``known`` is a file of this host that remembers digests, so that unchanged files are not read again.
    """
    pieces = _Pieces(root / FOLDER)
    with Digests(known, root) as digests:
        for entry in _entries(root, digests):
            pieces.add(entry)
    pieces.close()


def summarise(root: Path) -> Summary:
    """Sum up the manifest in the picture at ``root``; SteadError if it has none."""
    pieces = _piece_files(root)
    if not pieces:
        raise SteadError(f"the picture {root.name} has no manifest, so nothing could be said about a backup of it")
    files, size = len(pieces), sum(piece.stat().st_size for piece in pieces)
    folders: dict[str, int] = {}
    problems = []
    total = hashlib.sha256()
    for piece in pieces:
        content = piece.read_bytes()
        total.update(content)
        for entry in map(json.loads, content.splitlines()):
            if entry["type"] == "file":
                files, size = files + 1, size + entry["size"]
                top = entry["path"].partition("/")[0]
                folders[top] = folders.get(top, 0) + 1
            elif entry["type"] == "subvolume":
                problems.append(f"{entry['path']} is a btrfs subvolume of its own, which no picture can hold")
    return Summary(files, size, folders, total.hexdigest(), tuple(problems))


def read_manifest(root: Path) -> Iterator[Entry]:
    """The entries of the manifest under ``root`` (a picture, a mounted snapshot, or a restored one), in its order."""
    for piece in _piece_files(root):
        with piece.open("rb") as file:
            for line in file:
                yield Entry(**json.loads(line))


def manifest_digest(root: Path) -> str:
    """The digest of the manifest under ``root``; compare with what the host remembers of that snapshot."""
    total = hashlib.sha256()
    for piece in _piece_files(root):
        total.update(piece.read_bytes())
    return total.hexdigest()


def walk(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every path below ``root`` with its lstat, folders before what is in them, names in byte order.

    ``root`` itself is the empty path; what lies in the manifest's folder is passed over.
    """
    yield "", os.lstat(root)
    yield from _below(str(root), "")


def _below(root: str, folder: str) -> Iterator[tuple[str, os.stat_result]]:
    # Strings and scandir, not Path: this runs over every mail at every backup.
    with os.scandir(f"{root}/{folder}") as found:
        entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
    for entry in entries:
        path = f"{folder}/{entry.name}" if folder else entry.name
        info = entry.stat(follow_symlinks=False)
        yield path, info
        if stat.S_ISDIR(info.st_mode) and path != FOLDER:
            yield from _below(root, path)


def _entries(root: Path, digests: Digests) -> Iterator[Entry]:
    for path, info in walk(root):
        kind = _TYPES.get(stat.S_IFMT(info.st_mode))
        # Sockets are made anew by their daemons; devices there are none: data is mounted nodev.
        if path == FOLDER or kind is None:
            continue
        if kind == "folder" and info.st_ino == _HIDDEN_SUBVOLUME:
            kind = "subvolume"
        yield _entry(root, path, kind, info, digests)


def _entry(root: Path, path: str, kind: str, info: os.stat_result, digests: Digests) -> Entry:
    return Entry(
        path=path or ".",
        type=kind,
        mode=stat.S_IMODE(info.st_mode),
        uid=info.st_uid,
        gid=info.st_gid,
        size=info.st_size if kind == "file" else 0,
        mtime_ns=info.st_mtime_ns,
        sha256=digests.of(path, info) if kind == "file" else None,
        target=os.readlink(root / path) if kind == "link" else None,
    )


def _piece_files(root: Path) -> list[Path]:
    return sorted((root / FOLDER).glob("*.jsonl"))


class _Pieces:
    """Writes entries into numbered files, each ended where a path's checksum says so."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True)
        self._folder = folder
        self._lines: list[bytes] = []
        self._count = 0

    def add(self, entry: Entry) -> None:
        self._lines.append(entry.line())
        if zlib.crc32(os.fsencode(entry.path)) & _CUT == 0:
            self._write()

    def close(self) -> None:
        if self._lines:
            self._write()

    def _write(self) -> None:
        content = b"".join(self._lines)
        self._lines.clear()
        self._count += 1
        (self._folder / f"{self._count:08d}.jsonl").write_bytes(content)
