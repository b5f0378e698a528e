"""Compare what came back with the manifest that was made before it left: every path, every byte."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from stead.backup.manifest import FOLDER, Entry, manifest_digest, read_manifest, walk
from stead.backup.pieces import order

_MOST = 50


@dataclass(frozen=True)
class Compared:
    """How many files and bytes were equal, and what was not (the first 50, then only counted in ``differences``)."""

    files: int
    size: int
    problems: tuple[str, ...]
    differences: int


def compare_with_manifest(root: Path, *, digest: str | None = None) -> Compared:
    """Compare everything under ``root`` (a restored or mounted snapshot's data) with the manifest in it.

    ``digest`` is what this host remembers of that manifest. Paths the manifest does not know are differences, too.
    An unreadable path is a difference, with the kernel's reason.
    """
    tally = _Tally()
    try:
        if digest is not None and manifest_digest(root) != digest:
            tally.wrong("the manifest in the snapshot is not the one that was put there")
        if not _side_by_side(root, tally):
            tally.wrong("there is no manifest in the snapshot")
    except (OSError, ValueError, TypeError, KeyError) as unreadable:
        tally.wrong(f"the manifest in the snapshot cannot be read: {unreadable}")
    return tally.done()


def _side_by_side(root: Path, tally: _Tally) -> bool:
    """Go through the manifest and the tree, which are in one order; False: the manifest is empty."""
    there = _Walk(root, tally)
    entry = None
    for entry in read_manifest(root):
        there.up_to(entry.path)
        try:
            _one(root, entry, tally)
        except OSError as unreadable:
            tally.wrong(f"{entry.path}: {unreadable.strerror}")
    there.up_to(None)
    return entry is not None


class _Walk:
    """The paths that are there, each once; what the manifest does not name is a difference."""

    def __init__(self, root: Path, tally: _Tally) -> None:
        self._paths = (path for path, _info in walk(root) if path != FOLDER)
        self._tally = tally
        self._next = self._advance()

    def up_to(self, path: str | None) -> None:
        """Pass over what is there up to and with ``path`` (None: everything)."""
        mine = None if path is None else order(path)
        while self._next is not None and (mine is None or order(self._next) <= mine):
            if mine is None or order(self._next) != mine:
                self._tally.wrong(f"{self._next or '.'}: was not there")
            self._next = self._advance()

    def _advance(self) -> str | None:
        try:
            return next(self._paths, None)
        except OSError as unreadable:
            self._tally.wrong(f"{unreadable.filename}: {unreadable.strerror}")
            return None


def _one(root: Path, entry: Entry, tally: _Tally) -> None:
    path = root / entry.path
    info = os.lstat(path)
    found = (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid)
    if found != (entry.mode, entry.uid, entry.gid):
        tally.wrong(f"{entry.path}: mode or owner is {found[0]:o} {found[1]}:{found[2]}")
    if info.st_mtime_ns != entry.mtime_ns and entry.type != "link":
        tally.wrong(f"{entry.path}: its time is another")
    if entry.type == "link" and os.readlink(path) != entry.target:
        tally.wrong(f"{entry.path}: points elsewhere")
    if entry.type == "folder" and not stat.S_ISDIR(info.st_mode):
        tally.wrong(f"{entry.path}: is no folder")
    if entry.type == "file":
        if info.st_size != entry.size:
            tally.wrong(f"{entry.path}: has {info.st_size} bytes, had {entry.size}")
        elif _sha256(path) != entry.sha256:
            tally.wrong(f"{entry.path}: its content is another")
        else:
            tally.equal(entry.size)


def _sha256(path: Path) -> str:
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Tally:
    def __init__(self) -> None:
        self._files = self._size = self._differences = 0
        self._problems: list[str] = []

    def equal(self, size: int) -> None:
        self._files, self._size = self._files + 1, self._size + size

    def wrong(self, words: str) -> None:
        self._differences += 1
        if len(self._problems) < _MOST:
            self._problems.append(words)

    def done(self) -> Compared:
        return Compared(self._files, self._size, tuple(self._problems), self._differences)
