"""SHA-256 of files, remembered between backups: a file with the same inode, size and change time was not written to.

The change time is the kernel's and cannot be set by whoever owns the file, so it can be trusted where mtime cannot.
Both the file and the walk are in one order, so they are read side by side: memory does not grow with the data.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from types import TracebackType

_AT_ONCE = 1 << 20
#: Path, [inode, size, change time], digest, and the line they were read from.
_Known = tuple[str, list[int], str, bytes]


class Digests:
    """The remembered digests: used as a context, replaced whole at its end."""

    def __init__(self, file: Path, root: Path) -> None:
        self._file = file
        self._root = str(root)
        self._new = file.with_name(file.name + ".new")

    def __enter__(self) -> Digests:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._old = self._file.open("rb") if self._file.exists() else None
        self._writer = self._new.open("wb")
        self._next = self._advance()
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._writer.close()
        if self._old:
            self._old.close()
        if kind is None:
            self._new.replace(self._file)
        else:
            self._new.unlink(missing_ok=True)

    def of(self, path: str, info: os.stat_result) -> str:
        """The digest of the file at ``path``, which has ``info``; paths must be asked for in the walk's order."""
        key = [info.st_ino, info.st_size, info.st_ctime_ns]
        known = self._find(path)
        if known is not None and known[1] == key:
            self._writer.write(known[3])
            return known[2]
        found = _sha256(f"{self._root}/{path}")
        self._writer.write(json.dumps([path, key, found]).encode() + b"\n")
        return found

    def _find(self, path: str) -> _Known | None:
        if self._next is not None and self._next[0] != path:
            mine = _order(path)
            while self._next is not None and _order(self._next[0]) < mine:
                self._next = self._advance()
        known = self._next
        if known is None or known[0] != path:
            return None
        self._next = self._advance()
        return known

    def _advance(self) -> _Known | None:
        line = self._old.readline() if self._old else b""
        try:
            path, key, digest = json.loads(line) if line else (None, [], "")
        except ValueError:
            # A damaged memory only costs time: everything after it is read again.
            return None
        return None if path is None else (path, key, digest, line)


def _order(path: str) -> list[bytes]:
    return os.fsencode(path).split(b"/")


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NOATIME | os.O_CLOEXEC)
    try:
        while block := os.read(handle, _AT_ONCE):
            digest.update(block)
    finally:
        os.close(handle)
    return digest.hexdigest()
