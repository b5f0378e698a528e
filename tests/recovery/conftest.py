"""A server that was lost, and empty computers to bring it back on."""

from __future__ import annotations

import imaplib
import os
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stead import live, machine
from stead.kit import kit_of, write_kit
from stead.release import Release
from stead.run import Result, run
from stead.words.home import Home
from stead.words.progress import Silent
from stead.words.verdict import Verdict
from tests.rig.homes import NewHome
from tests.rig.server import PASSWORD, served

SECRET = "seven quiet otters sing"
_SETTINGS = '[data]\nfirst_size = "2GB"\n\n[[place]]\nname = "attic"\nurl = "{place}"\n'


@dataclass(frozen=True)
class Lost:
    """What is left of a server: its kit, its place, and what was in it."""

    kit: Path
    place: Path
    authority: bytes
    release: str


@pytest.fixture(scope="module")
def lost(homes: NewHome, release: Release, tmp_path_factory: pytest.TempPathFactory) -> Lost:
    outside = tmp_path_factory.mktemp("outside")
    with homes() as home:
        home.etc.mkdir(parents=True)
        home.settings_file.write_text(_SETTINGS.format(place=outside / "attic"))
        with served(home, release) as server:
            with server.inbound() as connection:
                for subject in ("keep me", "delete me later"):
                    letter = f"Subject: {subject}\r\n\r\nwords\r\n"
                    connection.sendmail("zoe@example.org", f"alice@{server.domain}", letter)
            until = time.monotonic() + 60
            while len(subjects(home)) < 2:
                assert time.monotonic() < until, "two letters were not delivered"
                time.sleep(0.2)
            live.mark(home, server.settings)
            (saving,) = live.backup(home, server.settings, Silent())
            assert saving.verdict is Verdict.PASS, saving.reason
            kit = write_kit(kit_of(home, server.settings), SECRET, outside)
            return Lost(kit, outside / "attic", server.ca.read_bytes(), release.id)


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


def imap(home: Home) -> imaplib.IMAP4_SSL:
    """Alice, logged in where the server is reached now."""
    running = machine.find(home, "live")
    if running is None:
        raise OSError("no machine runs")
    trusted = ssl.create_default_context(cafile=str(home.lib / "ca.pem"))
    connection = imaplib.IMAP4_SSL("localhost", running.endpoints["imaps"].port, ssl_context=trusted, timeout=30)
    connection.login("alice", PASSWORD)
    return connection


def subjects(home: Home) -> list[str]:
    """Of all letters alice has: one of an unknown sender may be taken for spam."""
    with imap(home) as connection:
        found: list[str] = []
        for box in ("INBOX", "Junk"):
            connection.select(box, readonly=True)
            for number in connection.search(None, "ALL")[1][0].split():
                found.append(str(connection.fetch(number, "(BODY[HEADER.FIELDS (SUBJECT)])")[1]))
        return found


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
