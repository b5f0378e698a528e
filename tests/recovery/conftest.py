"""A server that was lost, and empty computers to bring it back on."""

from __future__ import annotations

import imaplib
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stead.run import Result, run
from stead.words.home import Home
from tests.rig.homes import NewHome
from tests.rig.lost import SECRET, imap


@pytest.fixture
def empty(homes: NewHome) -> Iterator[Home]:
    """A new computer."""
    with homes() as home:
        yield home
        run(words(home, "down"), timeout=120, env=env())


def env() -> dict[str, str]:
    return {"PYTHONPATH": os.environ["PYTHONPATH"]}


def words(home: Home, *args: str | Path) -> list[str]:
    """The command line of ``stead`` for a home."""
    return [sys.executable, "-m", "stead.cli", *map(str, args), "--home", str(home.lib.parent)]


def recover(home: Home, kit: Path, *more: str) -> Result:
    line = words(home, "recover", kit, "--passphrase-file", "-", "--json", *more)
    return run(line, timeout=300, expect=(), env=env(), stdin=SECRET + "\n")


@dataclass
class Writer:
    """Somebody who appends letters over IMAP all the time; what was acknowledged must be there in the end.

    ``gaps`` are the seconds between two acknowledged ones that were more than a moment apart, once it served.
    """

    home: Home
    acknowledged: list[str] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Writer:
        self._thread = threading.Thread(target=self._write)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join()

    def _write(self) -> None:
        last = None
        while not self._stop.is_set():
            try:
                with imap(self.home) as connection:
                    while not self._stop.is_set():
                        name = f"written meanwhile {len(self.acknowledged)}."
                        answer = connection.append("INBOX", "", "", f"Subject: {name}\r\n\r\nx\r\n".encode())[0]
                        now = time.monotonic()
                        if answer == "OK":
                            self.acknowledged.append(name)
                            if last is not None and now - last > 0.5:
                                self.gaps.append(round(now - last, 2))
                            last = now
                        time.sleep(0.05)
            except (OSError, imaplib.IMAP4.error):
                time.sleep(0.05)
