"""The reader: an unprivileged process that takes hostile archives apart and tells what is in them, item by item.

It gets its job and then open files over the socket on standard input, and writes frames (see ``items``) on standard
output. It has no right to anything but what it was handed, and no network unless an account is to be read. Started as
``python -m stead.exchange.reading``.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import ssl
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from stead.exchange import entries
from stead.exchange.archives import READ_ERRORS
from stead.exchange.letters import Broken, read_letter
from stead.exchange.sending import Sender
from stead.exchange.taking import Taker
from stead.exchange.writing import LAZY_CODECS
from stead.run.privileges import HostUser, give_up_root

ReadAccount = Callable[[dict[str, Any], ssl.SSLContext, Sender], None]
_MEMORY = 3 << 30
_MESSAGE = 1 << 17


def main(read_account: ReadAccount | None = None) -> None:
    """Do one job; exit 0 when all that could be read was told. ``read_account`` is how, where it is an account."""
    link = socket.socket(fileno=os.dup(0))
    _first, handles, _flags, _address = socket.recv_fds(link, 16, 1)
    with os.fdopen(handles[0], "rb") as told:
        job = json.load(told)
    spool = tempfile.TemporaryFile(dir=job["spool"])  # noqa: SIM115 - it must be opened while this is root, and ends with the process
    trust = ssl.create_default_context()
    _load()
    network = read_account is not None
    give_up_root(HostUser.ARCHIVE_READER, memory=_MEMORY, limits={resource.RLIMIT_NPROC: 64}, network=network)
    sender = Sender(1, job.get("into") or "", spool)
    if read_account is not None:
        read_account(job["account"], trust, sender)
    else:
        taker = Taker(sender, job.get("as"))
        for note, handle in _handed(link):
            with os.fdopen(handle, "rb") as file:
                taker.source(note, file)
    sender.end()


def _handed(link: socket.socket) -> Iterator[tuple[dict[str, Any], int]]:
    while True:
        text, handles, _flags, _address = socket.recv_fds(link, _MESSAGE, 1)
        if not text or not handles:
            return
        yield json.loads(text), handles[0]


def _load() -> None:
    """Load whatever is loaded lazily: without root Python's own files may be unreadable."""
    sample = (
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART;TZID=Europe/Berlin:20260101T000000\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    list(entries.entries(sample))
    read_letter(b"Date: Mon, 1 Jan 2026 00:00:00 +0000\nX-Gmail-Labels: =?utf-8?Q?a?=\n\n")
    for codec in LAZY_CODECS:
        b"a ".decode(codec)


def run(read_account: ReadAccount | None = None) -> None:
    """The whole process: what is wrong is one line on standard error, and exit code 1."""
    try:
        main(read_account)
    except (*READ_ERRORS, Broken, MemoryError) as problem:
        words = str(problem) if isinstance(problem, Broken) else f"{type(problem).__name__}: {problem}"
        sys.stderr.write(" ".join(words.split())[:500] + "\n")
        sys.exit(1)


if __name__ == "__main__":
    run()
