"""What was written while a server ran on a mounted copy, put into the copy that came to disk: one overlay's layer.

The format is the kernel's (overlayfs.rst): a changed file lies in the layer whole, a deleted one is a character device
0/0, a folder that replaced another has the attribute ``trusted.overlay.opaque``.
"""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass, field
from pathlib import Path

from stead.recovery.cloning import clone

_OPAQUE = "trusted.overlay.opaque"
_OWN = "trusted.overlay."


@dataclass
class Merge:
    """Brings a tree up to a layer, as often as it is asked: later rounds only do what changed since the one before.

    ``tree`` must be the tree below the layer. A round may run while the layer is written; the last one may not.
    """

    layer: Path
    tree: Path
    _seen: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _links: dict[int, Path] = field(default_factory=dict)

    def round(self) -> int:
        """One round; how many files and folders it changed."""
        self._links.clear()
        found: dict[str, tuple[int, ...]] = {}
        changed = self._folder("", found)
        # Made and removed again since the last round: below it there never was one, or a whiteout would be here.
        for name in sorted(self._seen.keys() - found.keys(), reverse=True):
            remove(self.tree / name)
            changed += 1
        self._seen = found
        return changed

    def _folder(self, name: str, found: dict[str, tuple[int, ...]]) -> int:
        """The layer's folder ``name``, and all below it."""
        source, target, changed = self.layer / name, self.tree / name, 0
        entries = _entries(source)
        if _is_opaque(source):
            for one in set(_names(target)) - {entry.name for entry in entries}:
                remove(target / one)
                changed += 1
        for entry in entries:
            below = f"{name}/{entry.name}" if name else entry.name
            try:
                info = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISDIR(info.st_mode):
                changed += self._make_folder(below)
                found[below] = ()
                changed += self._folder(below, found)
                continue
            found[below] = (info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
            if self._seen.get(below) != found[below]:
                changed += self._entry(below, info, found)
        _same_facts(source, target)
        return changed

    def _make_folder(self, name: str) -> int:
        target = self.tree / name
        if not target.is_dir() or target.is_symlink():
            remove(target)
            target.mkdir()
            return 1
        return 0

    def _entry(self, name: str, info: os.stat_result, found: dict[str, tuple[int, ...]]) -> int:
        source, target = self.layer / name, self.tree / name
        if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
            remove(target)
            return 1
        if stat.S_ISSOCK(info.st_mode):
            return 0
        if info.st_nlink > 1 and info.st_ino in self._links:
            remove(target)
            os.link(self._links[info.st_ino], target, follow_symlinks=False)
            return 1
        try:
            _copy(source, target, info)
        except FileNotFoundError:  # it went away while the server ran: the next round sees that
            found.pop(name)
            remove(target)
            return 1
        if info.st_nlink > 1:
            self._links[info.st_ino] = target
        return 1


def _copy(source: Path, target: Path, info: os.stat_result) -> None:
    """A file, link or pipe beside its place, then moved there."""
    draft = target.with_name(f".merging-{os.getpid()}")
    remove(draft)
    if stat.S_ISLNK(info.st_mode):
        draft.symlink_to(os.readlink(source))
    elif stat.S_ISFIFO(info.st_mode):
        os.mkfifo(draft)
    else:
        clone(source, draft)
    _same_facts(source, draft)
    if target.is_dir() and not target.is_symlink():
        remove(target)
    draft.replace(target)


def _same_facts(source: Path, target: Path) -> None:
    """Owner, mode, times and attributes; the kernel's own marks of the layer stay behind."""
    try:
        info = source.lstat()
    except FileNotFoundError:
        return
    os.chown(target, info.st_uid, info.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(info.st_mode):
        os.chmod(target, stat.S_IMODE(info.st_mode))
    for name in os.listxattr(source, follow_symlinks=False):
        if not name.startswith(_OWN):
            os.setxattr(target, name, os.getxattr(source, name, follow_symlinks=False), follow_symlinks=False)
    os.utime(target, ns=(info.st_atime_ns, info.st_mtime_ns), follow_symlinks=False)


def remove(path: Path) -> None:
    """Take away whatever is there, if anything is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []


def _is_opaque(folder: Path) -> bool:
    try:
        return os.getxattr(folder, _OPAQUE, follow_symlinks=False) == b"y"
    except OSError:
        return False
