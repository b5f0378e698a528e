"""A writer: a process with one service's user, locked into one account's folder, that puts items where the service
finds them. Started as ``python -m stead.exchange.writing SERVICE UID LINK`` with the folder as its working directory.

It reads frames on standard input and answers each order with a line of JSON. Over the socket LINK come the files in
which items lie that do not follow on the pipe. Items lie beside, unseen, until a flush:
then everything is on disk first and gets its name second, so a kill at any moment leaves whole items or none. The names
are on disk with the next :func:`sync_all`.
"""

from __future__ import annotations

import ctypes
import fcntl
import importlib
import json
import os
import socket
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from stead.exchange.items import Item, receive, write_all
from stead.exchange.letters import Broken
from stead.exchange.pieces import Lying, Pieces
from stead.run.privileges import give_up_root

_MEMORY = 1 << 30
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

    def end(self) -> None:
        """Finish what waits for the end, so that all that was flushed is in place; the broker brings it to disk."""

    def there(self, items: Sequence[Item]) -> list[bool]:
        """Whether each item is in place, told by its name."""


def main() -> None:
    """Serve the broker until it closes the pipe."""
    service, uid = sys.argv[1], int(sys.argv[2])
    link = socket.socket(fileno=int(sys.argv[3]))
    module = importlib.import_module(f"stead.exchange.{service}_writing")
    keeping: Keeping = module.Keeping()
    lock_in(uid)
    # Held to the end: the writer of a run that was killed may still be finishing.
    fcntl.flock(os.open("/", os.O_RDONLY | os.O_DIRECTORY), fcntl.LOCK_EX)
    keeping.begin()
    refused: list[str | None] = []
    file = -1
    # While a batch goes to disk the next one is taken: neither the disk nor a processor waits for the other.
    beside = ThreadPoolExecutor(max_workers=1)
    while (head := _next()) is not None:
        order = head.get("what")
        if order == "flush":
            beside.submit(_show, keeping.flush(), refused)
            refused = []
        elif order == "end":
            keeping.end()
            _answer([])
        elif order == "there":
            _answer(keeping.there([Item.read(row) for row in head["items"]]))
        elif order == "file":
            file = _received(link, file)
        else:
            try:
                refused += [_add(keeping, Item.read(row), file) for row in head["items"]]
            except EOFError:
                break
    beside.shutdown(wait=True)
    keeping.end()


def _received(link: socket.socket, old: int) -> int:
    """The next file over the link."""
    _byte, (file,), _flags, _address = socket.recv_fds(link, 1, 1)
    if old >= 0:
        os.close(old)
    return file


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


def _add(keeping: Keeping, item: Item, file: int) -> str | None:
    pieces = Lying(file, item.at, item.size) if item.at >= 0 else Pieces(0, item.size)
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
    """Take a file that is on disk out of memory (``posix_fadvise(2)``). What came in is not to push out what the server
    reads, and the next one is written into memory that is at hand: without this an import takes a third longer."""
    # Whoever else may write here could have put a FIFO in its place, which would be waited for.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def _answer(content: list[Any]) -> None:
    try:
        write_all(1, json.dumps(content).encode() + b"\n")
    except BrokenPipeError:
        # The broker was killed. What it had flushed is finished all the same.
        return


if __name__ == "__main__":
    main()
