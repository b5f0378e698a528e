"""Looking at a tree: every path with its lstat, in one order, and what a manifest's row says of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from stead.backup.pieces import Row

#: What the host puts into a picture; in it the manifest, which does not list itself.
HOST_FOLDER = ".stead"
FOLDER = f"{HOST_FOLDER}/manifest"
#: Inode of the empty folder that stands where a subvolume was: a picture does not hold what is in it.
_HIDDEN_SUBVOLUME = 2
_TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link", stat.S_IFIFO: "pipe"}


def walk(root: Path, below: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """The path ``below`` ("" is ``root`` itself) and every path in it with its lstat, paths relative to ``root``.

    Folders come before what is in them, names in byte order; what lies in the manifest's folder is passed over.
    """
    info = os.lstat(f"{root}/{below}" if below else root)
    yield below, info
    if stat.S_ISDIR(info.st_mode) and below != FOLDER:
        yield from _below(str(root), below)


def _below(root: str, folder: str) -> Iterator[tuple[str, os.stat_result]]:
    # Strings and scandir, not Path: this runs over every mail.
    with os.scandir(f"{root}/{folder}") as found:
        entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
    for entry in entries:
        path = f"{folder}/{entry.name}" if folder else entry.name
        info = entry.stat(follow_symlinks=False)
        yield path, info
        if stat.S_ISDIR(info.st_mode) and path != FOLDER:
            yield from _below(root, path)


def row_of(root: Path, path: str, info: os.stat_result) -> Row | None:
    """The row of a path, a file's digest still missing; None for what is not saved: sockets and the manifest."""
    kind = _TYPES.get(stat.S_IFMT(info.st_mode))
    # Sockets are made anew by their daemons; devices there are none: data is mounted nodev.
    if path == FOLDER or kind is None:
        return None
    if kind == "folder" and info.st_ino == _HIDDEN_SUBVOLUME:
        kind = "subvolume"
    return [
        path or ".",
        kind,
        stat.S_IMODE(info.st_mode),
        info.st_uid,
        info.st_gid,
        info.st_size if kind == "file" else 0,
        info.st_mtime_ns,
        os.readlink(f"{root}/{path}") if kind == "link" else None,
        info.st_ino,
        info.st_ctime_ns,
    ]
