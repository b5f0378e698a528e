"""A server that was lost: its kit and its place are all that is left. And looking at what came back."""

from __future__ import annotations

import imaplib
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from stead import live, machine
from stead.kit import kit_of, write_kit
from stead.release import Release
from stead.words.home import Home
from stead.words.progress import Silent
from stead.words.verdict import Verdict
from tests.rig.homes import NewHome
from tests.rig.server import PASSWORD, quick

SECRET = "seven quiet otters sing"
_SETTINGS = '[data]\nfirst_size = "2GB"\n\n[[place]]\nname = "attic"\nurl = "{place}"\n'


@dataclass(frozen=True)
class Lost:
    """What is left of a server: its kit, its place, and what was in it."""

    kit: Path
    place: Path
    authority: bytes
    release: str


def lose(homes: NewHome, release: Release, outside: Path) -> Lost:
    """Make a server with two letters in it, its kit and a backup in ``outside``, and take it away."""
    with homes() as home:
        home.etc.mkdir(parents=True)
        home.settings_file.write_text(_SETTINGS.format(place=outside / "attic"))
        with quick(home, release) as server:
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
