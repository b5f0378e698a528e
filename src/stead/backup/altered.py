"""What btrfs itself knows to have changed: the inodes of a subvolume written since a transaction, without a walk.

The kernel reads only tree blocks that are newer than asked for (``btrfs-ioctl(2)``: TREE_SEARCH_V2, GET_SUBVOL_INFO,
INO_LOOKUP), so the cost goes with what changed and not with what is there. Needs root.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_SYNC = 0x9408
_TREE_SEARCH = 0xC0709411
_INO_LOOKUP = 0xD0009412
_SUBVOLUME_INFO = 0x81F8943C
_INODE_ITEM, _INODE_REF, _INODE_EXTREF = 1, 12, 13
_FIRST_INODE, _LAST_INODE = 256, (1 << 64) - 257
_MOST = (1 << 64) - 1
_KEY = struct.Struct("=7Q4I4QQ")
_HEADER = struct.Struct("=QQQII")
#: Of an inode item: the transaction it was written in, and its mode.
_INODE = struct.Struct("=8xQ36xI")
_BUFFER = 1 << 20


class TooMuch(Exception):
    """More changed than is worth following: a walk of everything is cheaper. Never reaches a caller of the room."""


@dataclass(frozen=True)
class Origin:
    """Which subvolume a picture was taken of (its UUID), and the transaction it was taken in."""

    parent: str
    transaction: int


def origin(root: Path) -> Origin | None:
    """Where the picture at ``root`` comes from; None when it is no snapshot of a subvolume."""
    answer = bytearray(504)
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(handle, _SUBVOLUME_INFO, answer)
    except OSError:
        return None
    finally:
        os.close(handle)
    # id, name, parent id, folder, generation and flags come before the UUIDs; otransid is after ctransid.
    parent = bytes(answer[312:328])
    return Origin(parent.hex(), int.from_bytes(answer[352:360], "little")) if any(parent) else None


class Altered:
    """The inodes of the subvolume at ``root`` written in transaction ``since`` or later, and where they are."""

    def __init__(self, root: Path, since: int, *, most: int) -> None:
        self._handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # Delayed inode items are in no tree until the transaction ends.
            fcntl.ioctl(self._handle, _SYNC)
            written = dict(self._written(since, most))
            self.inodes = frozenset(written)
            self.folders = self._folders(written)
        finally:
            os.close(self._handle)

    def _written(self, since: int, most: int) -> Iterator[tuple[int, int]]:
        """Each inode written since, with its mode."""
        for number, (inode, kind, written, mode) in enumerate(self._items((_FIRST_INODE, _INODE_ITEM), since)):
            if number > 40 * most:
                raise TooMuch
            # Neighbours in a changed block come along; the inode itself says when it was written.
            if kind == _INODE_ITEM and written >= since:
                yield inode, mode

    def _folders(self, written: Mapping[int, int]) -> frozenset[str]:
        """Every folder that was written itself, or holds something that was ("" is the top)."""
        folders = {inode for inode, mode in written.items() if stat.S_ISDIR(mode)}
        folders |= {parent for inode in written.keys() - folders for parent in self._parents(inode)}
        return frozenset(path for path in map(self._path, folders) if path is not None)

    def _parents(self, inode: int) -> Iterator[int]:
        for _inode, kind, parent, _mode in self._items((inode, _INODE_REF), 0, last=(inode, _INODE_EXTREF)):
            if kind == _INODE_EXTREF:
                raise TooMuch
            yield parent

    def _path(self, folder: int) -> str | None:
        """The path of a folder's inode; None: it is gone (still open when it was deleted)."""
        if folder == _FIRST_INODE:
            return ""
        answer = bytearray(4096)
        struct.pack_into("=QQ", answer, 0, 0, folder)
        try:
            fcntl.ioctl(self._handle, _INO_LOOKUP, answer)
        except FileNotFoundError:
            return None
        return os.fsdecode(bytes(answer[16:]).split(b"\0", 1)[0]).rstrip("/")

    def _items(
        self, first: tuple[int, int], since: int, *, last: tuple[int, int] = (_LAST_INODE, _INODE_ITEM)
    ) -> Iterator[tuple[int, int, int, int]]:
        """Inode, type, and: of inodes the transaction they were written in and the mode; of references the folder."""
        inode, kind, offset = *first, 0
        buffer = bytearray(_KEY.size + _BUFFER)
        while True:
            words = (0, inode, last[0], offset, _MOST, since, _MOST, kind, last[1], 1 << 20, 0, 0, 0, 0, 0, _BUFFER)
            _KEY.pack_into(buffer, 0, *words)
            fcntl.ioctl(self._handle, _TREE_SEARCH, buffer)
            count, at = _KEY.unpack_from(buffer)[9], _KEY.size
            if not count:
                return
            for _ in range(count):
                _block, inode, offset, kind, size = _HEADER.unpack_from(buffer, at)
                at += _HEADER.size
                if kind == _INODE_ITEM:
                    written, mode = _INODE.unpack_from(buffer, at)
                    yield inode, kind, written, mode
                elif kind in (_INODE_REF, _INODE_EXTREF):
                    yield inode, kind, offset, 0
                at += size
            offset += 1
