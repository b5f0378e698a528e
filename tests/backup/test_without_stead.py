"""docs/operate/without-stead.md, command for command: nothing of Stead is used but the page itself."""

from __future__ import annotations

import email.message
import email.parser
import email.policy
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import icalendar
import pytest

from stead import live
from stead.run import Result, run
from stead.words.progress import Silent
from stead.words.verdict import Verdict
from tests.rig.server import Server

pytestmark = pytest.mark.boot

PAGE = Path(__file__).resolve().parents[2] / "docs/operate/without-stead.md"
ENTRY = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//\r\nBEGIN:VEVENT\r\nUID:dentist\r\nDTSTAMP:20260101T000000Z\r\n"
    "DTSTART:20260301T090000Z\r\nSUMMARY:Dentist\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:zoe\r\nFN:Zoe\r\nN:;Zoe;;;\r\nEND:VCARD\r\n"


def commands() -> list[str]:
    """Every indented line of the page, in its order."""
    return [line.strip() for line in PAGE.read_text().splitlines() if line.startswith("    ")]


@dataclass
class Stranger:
    """Somebody with a shell, restic, an address and a password."""

    folder: Path
    env: dict[str, str]

    def type(self, command: str) -> Result:
        found = run(["sh", "-c", command], timeout=120, expect=(), env=self.env, cwd=self.folder)
        assert found.code == 0, f"{command}\n{found.err}"
        return found


@pytest.fixture(scope="module")
def told(live: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What each command of the page said, run one after the other."""
    write(live)
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "bin").mkdir()
    shutil.copy(os.environ["STEAD_RESTIC"], folder / "bin/restic")
    password = folder / "attic.password"
    password.write_text((live.home.secrets / "place-same-disk.password").read_text())
    shutil.copytree(live.home.default_place, folder / "place")
    mine = {"/mnt/disk/stead": str(folder / "place"), "/root/attic.password": str(password)}
    stranger = Stranger(folder, {"PATH": f"{folder}/bin:/usr/bin:/bin", "HOME": str(folder)})
    said = {}
    for command in commands():
        export = re.fullmatch(r"export (\w+)=(\S+)", command)
        if export:
            stranger.env[export[1]] = mine[export[2]]
        else:
            said[command] = stranger.type(command).out
    said["folder"] = str(folder)
    yield said


def write(server: Server) -> None:
    with server.inbound() as connection:
        words = "From: zoe@example.org\r\nSubject: hello there\r\n\r\nthe words of the mail\r\n"
        connection.sendmail("zoe@example.org", f"alice@{server.domain}", words)
    for path, body, kind in (
        ("/calendar/alice/calendar/dentist.ics", ENTRY, "text/calendar"),
        ("/calendar/alice/contacts/zoe.vcf", CARD, "text/vcard"),
        ("/files/alice/letter.txt", "dear zoe\n", "text/plain"),
    ):
        put(server, path, body, kind)
    live.mark(server.home, server.settings)
    (saving,) = live.backup(server.home, server.settings, Silent())
    assert saving.verdict is Verdict.PASS, saving.reason


def put(server: Server, path: str, body: str, kind: str) -> None:
    person = f"alice:{server.people['alice']}"
    words: list[str | Path] = [
        "curl",
        "-sSf",
        "--cacert",
        server.ca,
        "-u",
        person,
        "-T",
        "-",
        "-H",
        f"Content-Type: {kind}",
    ]
    run([*words, server.url(path)], timeout=30, stdin=body)


def one(told: dict[str, str], beginning: str) -> list[str]:
    """The lines that the command with this beginning said."""
    (said,) = (out for command, out in told.items() if command.startswith(beginning))
    return said.splitlines()


def found(told: dict[str, str], pattern: str) -> list[str]:
    """The lines that the command with this in it said."""
    return [line for command, out in told.items() if pattern in command for line in out.splitlines()]


def test_the_page_is_about_every_step() -> None:
    assert len(commands()) >= 12


def test_a_mail_is_read(told: dict[str, str]) -> None:
    every = one(told, "find back/run/stead/data/mail")
    (hit, *_more) = one(told, "grep -rl")
    assert hit in every
    parser = email.parser.BytesParser(policy=email.policy.default)
    mail = parser.parsebytes((Path(told["folder"]) / hit).read_bytes())
    assert isinstance(mail, email.message.EmailMessage)
    assert mail["subject"] == "hello there" and "the words of the mail" in mail.get_content()


def test_a_calendar_entry_and_a_contact_are_read(told: dict[str, str]) -> None:
    (entry,) = (line for line in found(told, "*.ics") if "dentist" in line)
    calendar = icalendar.Calendar.from_ical((Path(told["folder"]) / entry).read_text())
    assert [str(event["SUMMARY"]) for event in calendar.walk("VEVENT")] == ["Dentist"]
    (card,) = (line for line in found(told, "*.vcf") if "zoe" in line)
    assert "FN:Zoe" in (Path(told["folder"]) / card).read_text()


def test_a_file_is_read_also_alone(told: dict[str, str]) -> None:
    folder = Path(told["folder"])
    assert "letter.txt" in one(told, "ls -R")
    for where in ("back", "part"):
        assert (folder / where / "run/stead/data/files/home/alice/letter.txt").read_text() == "dear zoe\n"
    assert not (folder / "part/run/stead/data/mail").exists()
    assert any("letter.txt" in line for line in one(told, "restic find"))


def test_the_rest_of_the_page_is_true(told: dict[str, str]) -> None:
    assert {"mail", "calendar", "files", "identity"} <= set(one(told, "ls back"))
    assert any("no errors were found" in line for line in one(told, "restic check"))
    assert (Path(told["folder"]) / "programs/run/stead/release/tree/usr/bin").is_dir()
    assert any("data" in line for line in one(told, "restic snapshots"))
