"""A writer: a process with one service's user, locked into one account's folder, that puts items where the service
finds them. Started as ``python -m stead.exchange.writing SERVICE UID`` with the folder as its working directory.

It reads frames on standard input and answers each order with a line of JSON. Items lie beside, unseen, until a flush:
then everything is on disk first and gets its name second, so a kill at any moment leaves whole items or none. The names
are on disk with the next :func:`sync_all`.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from stead.exchange.items import Item, read_exactly, receive
from stead.exchange.letters import Broken
from stead.run.privileges import give_up_root

_MEMORY = 1 << 30
_PIECE = 1 << 20
LAZY_CODECS = (
    *("utf-7", "utf-16", "utf-16-be", "cp1252", "latin-1", "idna", "cp437", "iso-8859-15", "shift_jis", "gb18030"),
    *("koi8-r", "cp1251", "iso-8859-2", "cp1250", "euc-kr", "big5", "euc-jp", "iso-2022-jp"),
)


class Keeping(Protocol):
    """How one service keeps its items; all paths are below the account's own folder, which is the root here."""

    def begin(self) -> None:
        """Remove what an interrupted run left unseen."""

    def add(self, item: Item, pieces: Pieces) -> str | None:
        """Take one item, unseen yet; why not, if it cannot be kept."""

    def flush(self) -> Callable[[], list[str]]:
        """What shows everything that was added so far, to be called beside further adding; it returns one answer for
        each item: ``added``, ``known``, or why it could not be kept."""

    def there(self, item: Item) -> bool:
        """Whether the item is in place, told by its name."""


class Pieces:
    """The content of one item on standard input, piece by piece; it must be read to its end."""

    def __init__(self, handle: int, size: int) -> None:
        self._handle = handle
        self._left = size

    def read(self) -> bytes:
        """The next piece; b"" at the end."""
        piece = read_exactly(self._handle, min(self._left, _PIECE))
        self._left -= len(piece)
        return piece

    def whole(self) -> bytes:
        """All that is left."""
        content = read_exactly(self._handle, self._left)
        self._left = 0
        return content

    def into(self, handle: int) -> None:
        """Move all that is left into a file, inside the kernel."""
        left, self._left = self._left, 0
        try:
            while left:
                moved = os.splice(self._handle, handle, left)
                if not moved:
                    raise EOFError("the broker ended in the middle of an item")
                left -= moved
        except OSError:
            self._left = left
            raise

    def skip(self) -> None:
        """Read the rest and forget it."""
        while self.read():
            pass


def main() -> None:
    """Serve the broker until it closes the pipe."""
    service, uid = sys.argv[1], int(sys.argv[2])
    module = importlib.import_module(f"stead.exchange.{service}_writing")
    keeping: Keeping = module.Keeping()
    lock_in(uid)
    keeping.begin()
    refused: list[str | None] = []
    # While a batch goes to disk the next one is taken: neither the disk nor a processor waits for the other.
    beside = ThreadPoolExecutor(max_workers=1)
    while (head := _next()) is not None:
        order = head.get("what")
        if order == "flush":
            beside.submit(_show, keeping.flush(), refused)
            refused = []
        elif order == "there":
            _answer([keeping.there(Item.read(row)) for row in head["items"]])
        else:
            try:
                refused += [_add(keeping, Item.read(row)) for row in head["items"]]
            except EOFError:
                break
    beside.shutdown(wait=True)


def _next() -> dict[str, Any] | None:
    """The next order; None when the broker ended, in the middle of one or not: nothing unseen is shown then."""
    try:
        return receive(0)
    except EOFError:
        return None


def _show(show: Callable[[], list[str]], refused: list[str | None]) -> None:
    try:
        answers = iter(show())
        _answer([next(answers) if why is None else why for why in refused])
    except BaseException as problem:
        # Nobody would answer the broker any more: it must see this process end.
        sys.stderr.write(f"{type(problem).__name__}: {problem}\n")
        sys.stderr.flush()
        os._exit(1)


def _add(keeping: Keeping, item: Item) -> str | None:
    pieces = Pieces(0, item.size)
    try:
        return keeping.add(item, pieces)
    except Broken as why:
        return str(why)
    except OSError as problem:
        return f"it could not be written: {problem.strerror}"
    finally:
        pieces.skip()


def lock_in(uid: int) -> None:
    """Make the working directory the whole world, become ``uid`` for good, without a network."""
    for codec in LAZY_CODECS:
        # Python loads these at first use, from files that are out of reach then.
        "a".encode(codec)
    give_up_root(uid, memory=_MEMORY, root=Path("."))
    os.umask(0o077)


def sync_all(folder: str | Path) -> None:
    """Bring everything on the file system of ``folder`` to disk (``syncfs(2)``): one call for a thousand files."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if libc.syncfs(handle) != 0:
            raise OSError(ctypes.get_errno(), "the disk did not take what was written")
    finally:
        os.close(handle)


def forget(path: str) -> None:
    """Take a file that is on disk out of memory: the running server's own files are not to make room for what came in
    (``posix_fadvise(2)``)."""
    # Whoever else may write here could have put a FIFO in its place, which would be waited for.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def sync_folder(path: str) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _answer(content: list[Any]) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
