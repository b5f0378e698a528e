"""A server is lost; from its kit and its place it comes back in another home, also when that is killed on the way."""

from __future__ import annotations

import imaplib
import json
import os
import signal
import ssl
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stead import live
from stead.kit import kit_of, write_kit
from stead.recovery import state
from stead.release import Release
from stead.run import Result, run, start
from stead.settings import load
from stead.words.home import Home
from stead.words.progress import Silent
from stead.words.verdict import Verdict
from tests.rig.homes import NewHome
from tests.rig.server import PASSWORD, lend, served

pytestmark = [pytest.mark.boot, pytest.mark.timeout(600)]

_SECRET = "seven quiet otters sing"
_SETTINGS = '[data]\nfirst_size = "2GB"\n\n[[place]]\nname = "attic"\nurl = "{place}"\n'


@dataclass(frozen=True)
class Lost:
    """What is left of a server: its kit, its place, and what was in it."""

    kit: Path
    place: Path
    authority: bytes


@pytest.fixture(scope="module")
def lost(homes: NewHome, release: Release, tmp_path_factory: pytest.TempPathFactory) -> Lost:
    outside = tmp_path_factory.mktemp("outside")
    with homes() as home:
        home.etc.mkdir(parents=True)
        home.settings_file.write_text(_SETTINGS.format(place=outside / "attic"))
        with served(home, release) as server:
            with server.inbound() as connection:
                connection.sendmail("zoe@example.org", f"alice@{server.domain}", "Subject: keep me\r\n\r\nwords\r\n")
            live.mark(home, server.settings)
            (saving,) = live.backup(home, server.settings, Silent())
            assert saving.verdict is Verdict.PASS, saving.reason
            kit = write_kit(kit_of(home, server.settings), _SECRET, outside)
            return Lost(kit, outside / "attic", server.ca.read_bytes())


@pytest.fixture
def empty(homes: NewHome, release: Release) -> Iterator[Home]:
    """A new computer; the release is lent, for building one is tried elsewhere."""
    with homes() as home:
        lend(home, release)
        yield home
        run(_words(home, "down"), timeout=120, env=_env())


def _env() -> dict[str, str]:
    return {"PYTHONPATH": os.environ["PYTHONPATH"]}


def _words(home: Home, *words: str | Path) -> list[str]:
    return [sys.executable, "-m", "stead.cli", *map(str, words), "--home", str(home.lib.parent)]


def _recover(home: Home, kit: Path, *more: str) -> Result:
    words = _words(home, "recover", kit, "--passphrase-file", "-", "--json", *more)
    return run(words, timeout=300, expect=(), env=_env(), stdin=_SECRET + "\n")


def _subjects(home: Home) -> list[str]:
    at = live.endpoints(home, load(home))["imaps"]
    host, port = at.rsplit(":", 1)
    trusted = ssl.create_default_context(cafile=str(home.lib / "ca.pem"))
    trusted.check_hostname = False
    with imaplib.IMAP4_SSL(host, int(port), ssl_context=trusted, timeout=30) as imap:
        imap.login("alice", PASSWORD)
        found: list[str] = []
        for box in ("INBOX", "Junk"):  # a short letter of an unknown sender may be taken for spam
            imap.select(box, readonly=True)
            for number in imap.search(None, "ALL")[1][0].split():
                found.append(str(imap.fetch(number, "(BODY[HEADER.FIELDS (SUBJECT)])")[1]))
        return found


def test_everything_is_back_also_after_it_was_killed_on_the_way(lost: Lost, empty: Home, tmp_path: Path) -> None:
    for seconds in (1.0, 2.5, 4.0, 6.0):
        with (tmp_path / "said").open("wb") as said, (tmp_path / "secret").open("w+b") as typed:
            typed.write(_SECRET.encode() + b"\n")
            typed.seek(0)
            words = _words(empty, "recover", lost.kit, "--passphrase-file", "-")
            child = start(words, stdin=typed, stdout=said, stderr=said, env=_env())
            time.sleep(seconds)
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    done = _recover(empty, lost.kit)
    assert done.code == 0, done.err
    until = time.monotonic() + 60
    # What was still in the queue when the backup was made is delivered by the new server.
    while not any("keep me" in subject for subject in _subjects(empty)):
        assert time.monotonic() < until, "an acknowledged mail did not come back"
        time.sleep(0.5)
    assert (empty.lib / "ca.pem").read_bytes() == lost.authority, "devices would have to trust anew"
    said = json.loads(done.out)
    assert said["place"] == "attic" and said["up"]["drill"]["verdict"] == "pass"
    assert state.load(empty) is None and not (empty.run / "recovering").exists()
    again = _recover(empty, lost.kit)
    assert again.code == 2 and "has a server already" in again.err


def test_without_a_place_that_answers_nothing_is_known(lost: Lost, empty: Home) -> None:
    away = lost.place.with_name("unplugged")
    lost.place.rename(away)
    try:
        said = _recover(empty, lost.kit)
    finally:
        away.rename(lost.place)
    assert said.code == 3 and "no place can be used" in said.err, said.err
    assert not (empty.data / "mail").exists()


def test_a_wrong_name_is_said_with_the_right_ones(lost: Lost, empty: Home) -> None:
    said = _recover(empty, lost.kit, "--place", "cellar")
    assert said.code == 2 and "it knows: attic" in said.err
