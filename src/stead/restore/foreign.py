"""Reading in trees that belong to the machine: by folder descriptors, never through a link, each file up to a bound."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOATIME | os.O_CLOEXEC


class Tree:
    """A data tree (live, a picture, a mounted snapshot); the folder used last stays open."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._last: tuple[str, int] | None = None

    def close(self) -> None:
        """Let go of the folder."""
        if self._last is not None:
            os.close(self._last[1])
            self._last = None

    def open(self, path: str) -> int | None:
        """A descriptor of the plain file ``path``; None when there is none."""
        folder, _, name = path.rpartition("/")
        try:
            handle = os.open(name, _FILE, dir_fd=self._folder(folder))
        except OSError:
            return None
        if stat.S_ISREG(os.fstat(handle).st_mode):
            return handle
        os.close(handle)
        return None

    def read(self, path: str, limit: int) -> bytes | None:
        """The first ``limit`` bytes of the plain file ``path``; None when there is none."""
        handle = self.open(path)
        if handle is None:
            return None
        try:
            return _first(handle, limit)
        except OSError:
            return None
        finally:
            os.close(handle)

    def status(self, path: str) -> os.stat_result | None:
        """What ``path`` is, links not followed; None when there is nothing."""
        folder, _, name = path.rpartition("/")
        try:
            return os.stat(name or ".", dir_fd=self._folder(folder), follow_symlinks=False)
        except OSError:
            return None

    def names(self, folder: str) -> list[os.DirEntry[str]]:
        """What lies in a folder; nothing if there is no such folder."""
        try:
            handle = os.dup(self._folder(folder))
        except OSError:
            return []
        try:
            with os.scandir(handle) as found:
                return list(found)
        finally:
            os.close(handle)

    def walk(self, folder: str) -> Iterator[tuple[str, os.stat_result]]:
        """Every folder and plain file below ``folder``, parents first, paths relative to the tree's root."""
        for entry in sorted(self.names(folder), key=lambda found: found.name):
            path = f"{folder}/{entry.name}"
            info = self.status(path)
            if info is not None and stat.S_ISDIR(info.st_mode):
                yield path, info
                yield from self.walk(path)
            elif info is not None and stat.S_ISREG(info.st_mode):
                yield path, info

    def _folder(self, path: str) -> int:
        if self._last is not None and self._last[0] == path:
            return self._last[1]
        handle = os.open(self._root, _FOLDER)
        for part in path.split("/") if path else ():
            if part in ("", ".", ".."):
                os.close(handle)
                raise FileNotFoundError(path)
            try:
                below = os.open(part, _FOLDER, dir_fd=handle)
            finally:
                os.close(handle)
            handle = below
        self.close()
        self._last = (path, handle)
        return handle


def _first(handle: int, limit: int) -> bytes:
    content = b""
    while len(content) < limit and (piece := os.read(handle, limit - len(content))):
        content += piece
    return content
