"""Import of one big mbox beside the speed at which Python's own mailbox module reads it, and a second run of it.

    PYTHONPATH=src:. .check/venv/bin/python bench/import.py [MEGABYTES] [MESSAGES]

The mbox is made first and read once, so that both find it in the page cache as far as it fits.
"""

from __future__ import annotations

import mailbox
import os
import random
import resource
import shutil
import sys
import time
from pathlib import Path

from tests.rig.homes import new_home
from tests.rig.releases import ensure
from tests.rig.server import served

from stead.exchange.importing import Wanted, bring_in
from stead.words.home import Home
from stead.words.progress import Silent

_LINE = 75


def make(file: Path, messages: int, each: int) -> None:
    """An mbox of letters with ordinary headers; no two are alike."""
    dice = random.Random(1)
    letters = b"abcdefghijklmnopqrstuvwxyz ABCDEF0123456789"
    pool = [bytes(dice.choices(letters, k=_LINE - 1)) + b"\n" for _ in range(4000)]
    with file.open("wb", buffering=1 << 22) as out:
        for number in range(messages):
            when = time.gmtime(1_500_000_000 + number * 600)
            day = time.strftime("%a, %d %b %Y %H:%M:%S +0000", when)
            head = (
                f"From user{number}@example.com {time.strftime('%a %b %d %H:%M:%S %Y', when)}\n"
                f"Received: from there by here; {day}\nFrom: Person {number} <user{number}@example.com>\n"
                f"To: me@example.org\nSubject: message number {number}\nMessage-ID: <m{number}@example.com>\n"
                f"Date: {day}\nStatus: RO\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n"
            )
            first = dice.randrange(4000)
            body = b"".join(pool[(first + line * 7 + number) % 4000] for line in range(each // _LINE))
            out.write(head.encode() + body + b"\n")


def read(file: Path) -> tuple[float, int]:
    """Seconds and messages: iterate over mailbox.mbox and get each message."""
    began, count = time.monotonic(), 0
    for _message in mailbox.mbox(file, create=False):
        count += 1
    return time.monotonic() - began, count


def main() -> None:
    """Measure and print a table."""
    megabytes, messages = (int(a) for a in (*sys.argv[1:], *("5000", "100000")[len(sys.argv) - 1 :]))
    folder = Path("/var/tmp/stead-bench-import")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        file = folder / "big.mbox"
        make(file, messages, megabytes * 1_000_000 // messages)
        size = file.stat().st_size
        with new_home(folder / "h")() as home, served(home, ensure()) as server:
            os.sync()
            whole = _import(home, server.settings, file)
            again = _import(home, server.settings, file)
            python = read(file)
        rows = [("Python's mailbox module, reading", *python), ("stead import", *whole), ("the same again", *again)]
        print(f"{size / 1e9:.1f} GB, {messages:,} messages")
        for words, seconds, count in rows:
            print(
                f"| {words} | {count:,} | {seconds:.1f} s | {size / seconds / 1e6:.0f} MB/s "
                f"| {python[0] / seconds:.1f} x |"
            )
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
        print(
            f"largest helper: {peak:.0f} MB, broker: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB"
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _import(home: Home, settings: object, file: Path) -> tuple[float, int]:
    began = time.monotonic()
    report = bring_in(home, settings, Wanted("alice", (file,)), Silent())  # type: ignore[arg-type]
    return time.monotonic() - began, report.added_by.total()


if __name__ == "__main__":
    main()
