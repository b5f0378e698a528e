"""Start the reader and the writers, and talk to them. The broker's side of their pipes."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import IO, Any, Self

from stead.exchange.items import Item, pass_on, send
from stead.run import start
from stead.services import SERVICES
from stead.services.hostfiles import Owner, enter, give, open_folder
from stead.words.declaration import GUEST_UID_BASE
from stead.words.errors import SteadError

#: Service to the guest user that keeps its data, and the folders that lead to one account's part of it.
_PLACES = {
    "mail": ("vmail", ("mail", "home")),
    "calendar": ("radicale", ("calendar", "collections", "collection-root")),
    "files": ("webdav", ("files", "home")),
}
_ANSWER_LIMIT = 64 << 20
_PIPE = 1 << 20
_F_SETPIPE_SZ = 1031


def uid_of(service: str) -> int:
    """The host uid of the user that keeps a service's data."""
    wanted = _PLACES[service][0]
    return GUEST_UID_BASE + next(user.uid for s in SERVICES for user in s.users if user.name == wanted)


@contextmanager
def account_folder(data: Path, service: str, user: str, *, make: bool) -> Iterator[int | None]:
    """A descriptor of an account's folder of a service, no link followed; None: there is none, and none was made."""
    names = (*_PLACES[service][1], user)
    owner = Owner(uid_of(service), uid_of(service))
    with open_folder(data) as top:
        handle = os.dup(top)
        try:
            for depth, name in enumerate(names):
                if not make and name not in os.listdir(handle):
                    yield None
                    return
                with enter(handle, name) as below:
                    if make and depth and os.fstat(below).st_uid == 0:
                        give(below, owner, 0o700)
                    os.close(handle)
                    handle = os.dup(below)
            yield handle
        finally:
            os.close(handle)


class Writer:
    """A running writer."""

    def __init__(self, data: Path, service: str, user: str) -> None:
        self.service = service
        inside, self._pipe = os.pipe()
        answers, outside = os.pipe()
        _widen(self._pipe)
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        link = theirs.fileno()
        # Which of the reader's files it has.
        self._file = 0
        with account_folder(data, service, user, make=True) as folder:
            line = [sys.executable, "-m", "stead.exchange.writing", service, str(uid_of(service)), str(link)]
            cwd = Path(f"/proc/self/fd/{folder}")
            self._child = start(line, stdin=inside, stdout=outside, stderr=2, cwd=cwd, pass_fds=[link])
        theirs.close()
        os.close(inside)
        os.close(outside)
        self._answers: IO[bytes] = os.fdopen(answers, "rb")

    def pass_on(self, items: Sequence[Item], reader: Reader) -> None:
        """Pass on items, and the content of those that do not lie in the file that ``reader`` reads: that file is the
        writer's, too. EOFError when content ends too early."""
        if self._file != reader.number and any(item.at >= 0 for item in items):
            socket.send_fds(self._link, [b"."], [reader.file])
            self.order({"what": "file"})
            self._file = reader.number
        send(self._pipe, {"items": items})
        for item in items:
            if item.at < 0:
                pass_on(reader.frames, self._pipe, item.size)

    def order(self, head: dict[str, Any]) -> None:
        """Give an order; its answer is read by :meth:`answer`."""
        send(self._pipe, head)

    def answer(self) -> list[Any]:
        """The answer to the oldest order."""
        line = self._answers.readline(_ANSWER_LIMIT)
        if not line:
            raise SteadError(
                f"the helper that writes into {self.service} ended before its time (code {self._child.wait()})",
                hint="run the same import again: it goes on where it stopped",
            )
        found = json.loads(line)
        return found if isinstance(found, list) else []

    def close(self) -> None:
        """Let it end."""
        os.close(self._pipe)
        self._link.close()
        self._answers.close()
        self._child.wait()


class Writers:
    """The writers of one account, each started when it is needed. A context; on its end they end, and what was not
    flushed is swept by the next run."""

    def __init__(self, data: Path, user: str) -> None:
        self._data = data
        self._user = user
        self._running: dict[str, Writer] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self.running():
            writer.close()

    def of(self, service: str) -> Writer:
        """The writer into a service."""
        if service not in self._running:
            self._running[service] = Writer(self._data, service, self._user)
        return self._running[service]

    def running(self) -> tuple[Writer, ...]:
        """All that were needed so far."""
        return tuple(self._running.values())


class Reader:
    """A running reader; ``frames`` is where its items come out, ``file`` the file that it is reading (-1: none), the
    ``number``-th."""

    def __init__(self, job: dict[str, Any], errors: IO[bytes]) -> None:
        self.link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.frames, outside = os.pipe()
        self.file, self.number = -1, 0
        self._handed: SimpleQueue[int] = SimpleQueue()
        _widen(self.frames)
        reading = "reading_account" if "account" in job else "reading"
        line = [sys.executable, "-m", f"stead.exchange.{reading}"]
        self._child = start(line, stdin=theirs.fileno(), stdout=outside, stderr=errors)
        theirs.close()
        os.close(outside)
        # Not on the command line, and it may be long: an unnamed file, handed over like all others.
        with tempfile.TemporaryFile() as told:
            told.write(json.dumps(job).encode())
            told.seek(0)
            socket.send_fds(self.link, [b"job"], [told.fileno()])

    def hand(self, note: dict[str, Any], handle: int) -> None:
        """Hand one open file over; waits while the reader is busy."""
        self._handed.put(os.dup(handle))
        socket.send_fds(self.link, [json.dumps(note).encode("ascii", "replace")], [handle])

    def next_file(self) -> None:
        """The reader begins with the file that was handed over next. ValueError when there is none."""
        self._let_go()
        try:
            self.file = self._handed.get_nowait()
            self.number += 1
        except Empty:
            raise ValueError("the reader reads what nobody gave it") from None

    def _let_go(self) -> None:
        if self.file >= 0:
            os.close(self.file)
        self.file = -1

    def no_more(self) -> None:
        """Nothing more will be handed over."""
        self.link.shutdown(socket.SHUT_WR)

    def close(self) -> int:
        """Let it end; its exit code."""
        os.close(self.frames)
        self.link.close()
        self._let_go()
        while not self._handed.empty():
            os.close(self._handed.get_nowait())
        return self._child.wait()


def _widen(pipe: int) -> None:
    try:
        fcntl.fcntl(pipe, _F_SETPIPE_SZ, _PIPE)
    except OSError:
        # Only a comfort: a smaller pipe works, too.
        return
