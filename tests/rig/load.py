"""A load client: numbers every mail, notes when it was acknowledged, changes flags meanwhile, finds mails again.

Bounded in count and time, and only ever pointed at a server on this computer.
"""

from __future__ import annotations

import imaplib
import os
import re
import smtplib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_MARK = "X-Load-Number"
_NUMBER = re.compile(rb"X-Load-Number: ([a-z]+-\d{6})")
_WORDS = "The quick brown fox jumps over the lazy dog, and then it does so once more.\r\n"


@dataclass(frozen=True)
class Acknowledged:
    """One mail the server took responsibility for; ``at`` is when its 250 came (wall clock)."""

    number: str
    at: float


def letter(number: str, recipient: str, size: int = 4000) -> bytes:
    """An ordinary small mail that can be found again by its number."""
    now = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
    head = (
        f"From: Zoe <zoe@example.org>\r\nTo: {recipient}\r\nSubject: minutes of meeting {number}\r\nDate: {now}\r\n"
        f"Message-ID: <{number}@example.org>\r\n{_MARK}: {number}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\n"
    )
    return (head + _WORDS * (size // len(_WORDS))).encode()


def send(
    connect: Callable[[], smtplib.SMTP], recipient: str, count: int, *, workers: int = 6, name: str = "load"
) -> list[Acknowledged]:
    """Send ``count`` numbered mails over ``workers`` connections; what was acknowledged, in order of its time.

    A mail that is put off (4xx) or whose connection breaks is sent again, as any mail server would.
    """
    left = iter([f"{name}-{number:06d}" for number in range(count)])
    lock, done = threading.Lock(), list[Acknowledged]()

    def work() -> None:
        connection = connect()
        try:
            while True:
                with lock:
                    number = next(left, None)
                if number is None:
                    return
                connection = _deliver(connect, connection, recipient, number)
                done.append(Acknowledged(number, time.time()))
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        for future in [pool.submit(work) for _ in range(workers)]:
            future.result()
    return sorted(done, key=lambda mail: mail.at)


def _deliver(
    connect: Callable[[], smtplib.SMTP], connection: smtplib.SMTP, recipient: str, number: str
) -> smtplib.SMTP:
    until = time.monotonic() + 120
    while True:
        try:
            connection.sendmail("zoe@example.org", [recipient], letter(number, recipient))
            return connection
        except (smtplib.SMTPException, OSError):
            if time.monotonic() > until:
                raise
            connection.close()
            time.sleep(0.5)
            connection = connect()


_TOGETHER = 5


@dataclass
class Flags:
    """How many flags were changed, and in what time."""

    changed: int = 0
    seconds: float = 0.0
    trouble: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Changes in a second."""
        return self.changed / self.seconds if self.seconds else 0.0


@contextmanager
def changing_flags(
    connect: Callable[[], imaplib.IMAP4], messages: int, *, rate: float = 200.0, workers: int = 4
) -> Iterator[Flags]:
    """While the block runs, flags of the first ``messages`` mails of INBOX change ``rate`` times a second.

    Each command marks a few mails, as a person does who selects some: one command a mail measures round trips.
    """
    flags, stop, lock = Flags(), threading.Event(), threading.Lock()
    began = time.monotonic()

    def work(worker: int) -> None:
        imap = connect()
        try:
            imap.select("INBOX")
            turn = 0
            while not stop.is_set():
                sweep, at = divmod((turn * workers + worker) * _TOGETHER, messages)
                sign = "-" if sweep % 2 else "+"
                imap.store(f"{at + 1}:{at + _TOGETHER}", f"{sign}FLAGS.SILENT", r"(\Flagged)")
                turn += 1
                with lock:
                    flags.changed += _TOGETHER
                    ahead = flags.changed / rate - (time.monotonic() - began)
                if ahead > 0:
                    stop.wait(ahead)
        except (imaplib.IMAP4.error, OSError) as wrong:
            flags.trouble.append(str(wrong))
        finally:
            imap.shutdown()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield flags
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
        flags.seconds = time.monotonic() - began


def found_in(folders: Iterable[Path]) -> set[str]:
    """The numbers of all mails in these folders: Maildirs, and the queue of what is accepted but not yet delivered."""
    numbers = set()
    for file in (Path(root, name) for folder in folders for root, _, names in os.walk(folder) for name in names):
        with file.open("rb") as opened:
            numbers |= {number.decode() for number in _NUMBER.findall(opened.read(16384))}
    return numbers


def lost(sent: Sequence[Acknowledged], before: float, found: set[str]) -> list[str]:
    """Mails acknowledged before that moment that are not among the found ones."""
    return [mail.number for mail in sent if mail.at < before and mail.number not in found]
