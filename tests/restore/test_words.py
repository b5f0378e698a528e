"""What paths, times and headers mean; nothing here needs a server."""

from __future__ import annotations

import json
import os
import sqlite3
import struct
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import PIPE  # noqa: TID251

import pytest

from stead.restore.about import about_entry, about_mail
from stead.restore.catalogue import Lain, add_lain, add_things, catalogue, file_of, stored_name, tidy, unread, widen
from stead.restore.desk import moment
from stead.restore.foreign import Tree
from stead.restore.inside import Answers
from stead.restore.paths import Kind, flags_of, mailbox_of, named
from stead.restore.reader import ENTRY, MAIL, head_of, read_all
from stead.run import start
from stead.run.privileges import HostUser
from stead.words.errors import SteadError, UsageError
from stead.words.home import Home

NOW = datetime(2026, 11, 24, 12, 0).astimezone()


@pytest.mark.parametrize(
    ("path", "kind", "owner", "folder"),
    [
        ("mail/home/alice/Maildir/cur/1.M2P3.host,S=4:2,S", Kind.MAIL, "alice", "INBOX"),
        ("mail/home/alice/Maildir/.Archive.2025/new/1.host", Kind.MAIL, "alice", "Archive/2025"),
        ("mail/home/alice/Maildir/.a^2eb/cur/1.host", Kind.MAIL, "alice", "a.b"),
        ("calendar/collections/collection-root/bob/calendar/x.ics", Kind.ENTRY, "bob", "calendar"),
        ("calendar/collections/collection-root/bob/c/x.vcf", Kind.ENTRY, "bob", "c"),
        ("files/home/bob/a/b\nc", Kind.FILE, "bob", ""),
        ("files/shared/x", Kind.FILE, "shared", ""),
        ("web/site/index.html", Kind.FILE, "site", ""),
    ],
)
def test_paths_are_understood(path: str, kind: Kind, owner: str, folder: str) -> None:
    what = named(path)
    assert what is not None and (what.kind, what.owner, what.folder) == (kind, owner, folder)


@pytest.mark.parametrize(
    "path",
    [
        "mail/home/alice/Maildir/dovecot.index",
        "mail/home/alice/Maildir/tmp/1",
        "mail/home/stead-watch/Maildir/cur/1",
        "mail/home/alice/sieve/a/cur/1",
        "calendar/collections/collection-root/bob/calendar/.Radicale.props",
        "calendar/collections/collection-root/bob/.Radicale.cache/x/x.ics",
        "files/properties/properties.db",
        "identity/accounts.json",
        "keys/x",
    ],
)
def test_what_does_not_come_back_by_itself(path: str) -> None:
    assert named(path) is None


def test_flags() -> None:
    assert flags_of("1.host,S=4:2,FRST") == r"\Seen \Answered \Flagged", "never Deleted"
    assert flags_of("1.host") == ""
    asked = []

    def named(path: str) -> bytes:
        asked.append(path)
        return b"0 $label1\n1 ) INJECTED\n2 mine\n"

    assert flags_of("mail/home/a/Maildir/.W/cur/1.host:2,Sabc", named) == r"\Seen $label1 mine"
    assert asked == ["mail/home/a/Maildir/.W/dovecot-keywords"]
    assert mailbox_of(".x^2fy") == "x/y"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("3d", NOW - timedelta(days=3)),
        ("90 m", NOW - timedelta(minutes=90)),
        ("yesterday", datetime(2026, 11, 23, 23, 59, 59, 999000).astimezone()),
        ("2026-11-01", datetime(2026, 11, 1, 23, 59, 59, 999000).astimezone()),
        ("2026-11-01 10:15", datetime(2026, 11, 1, 10, 15).astimezone()),
        ("2026-11-01T10:15:00+05:00", datetime.fromisoformat("2026-11-01T10:15:00+05:00")),
    ],
)
def test_times(text: str, wanted: datetime) -> None:
    assert moment(text, now=NOW) == pytest.approx(wanted.timestamp(), abs=0.01)


def test_a_day_has_a_beginning_and_no_time_is_an_error() -> None:
    assert moment("2026-11-01", end=False) == datetime(2026, 11, 1).astimezone().timestamp()
    for text in ("soon", "2026-13-01", "99999999999d", ""):
        with pytest.raises(UsageError):
            moment(text)


def test_a_mail_says_what_it_is() -> None:
    said = about_mail(
        b"Received: from x\r\n by y\r\nFROM: =?utf-8?q?Zo=C3=AB?= <zoe@example.org>\r\nTo: a@x\r\nCc: b@x\r\n"
        b"Subject: =?iso-8859-1?q?Rechnung_f=FCr?=\r\n =?utf-8?b?IMOEcGZlbA==?= und\r\n\tmehr\r\n"
        b"Date: Fri, 02 Jan 2026 10:00:00 +0100\r\nMessage-ID:\r\n <1@x>\r\n"
    )
    assert said.title == "Rechnung für Äpfel und mehr" and said.sender == "Zoë <zoe@example.org>"
    assert said.others == "a@x b@x" and said.ident == "1@x" and said.date == 1767344400


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\0" * 50_000,
        b"Subject:" + b"\n " * 30_000,
        os.urandom(60_000),
        b"Subject: =?" * 9000,
        b"Date: -\nFrom:\n",
    ],
    ids=["empty", "nul", "folds", "noise", "words", "nothing"],
)
def test_hostile_bytes_are_read_in_time(head: bytes) -> None:
    began = time.monotonic()
    for said in (about_mail(head), about_entry(head)):
        for text in (said.title, said.sender, said.others, said.ident):
            assert (len(text) <= 300 and text.isprintable()) or not text
            text.encode()
    assert time.monotonic() - began < 2


def test_an_entry_says_what_it_is() -> None:
    said = about_entry(
        b"BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nDTSTART:19700101T000000\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:u1\r\n"
        b"DTSTART;TZID=Europe/Berlin:20260302T090000\r\nSUMMARY;LANGUAGE=de:Zahnarzt\\, Dr.\r\n  Weh\r\n"
        b"LOCATION:Bad Aibling\r\nATTENDEE;CN=Z:mailto:z@x\r\nEND:VEVENT\r\n"
    )
    assert said.title == "Zahnarzt, Dr. Weh" and said.ident == "u1" and said.others == "Bad Aibling"
    assert said.sender == "mailto:z@x" and said.date == 1772442000


def test_the_header_ends_at_the_first_empty_line() -> None:
    assert head_of(b"A: b\r\n\r\nSubject: x\n\n") == b"A: b\r\n"
    assert head_of(b"A: b\n\nSubject: x") == b"A: b\n"


def test_the_reader_answers_in_order() -> None:
    mails = [(MAIL, f"Subject: s{number}\n".encode()) for number in range(500)]
    assert [one.title for one in read_all(mails)] == [f"s{number}" for number in range(500)]
    assert [one.title for one in read_all([(ENTRY, b"SUMMARY:x\n"), (MAIL, b"")])] == ["x", ""]


@pytest.mark.root
def test_the_reader_has_no_power() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source:
        child = start([sys.executable, "-m", "stead.restore.reader"], stdin=source)
    try:
        os.write(writing, struct.pack(">BI", 1, 3) + b"a:b")
        deadline = time.monotonic() + 10
        status, uid = "", HostUser.RESTORE_READER
        while f"Uid:\t{uid}\t{uid}\t{uid}" not in status:
            assert time.monotonic() < deadline, status
            time.sleep(0.02)
            status = Path(f"/proc/{child.pid}/status").read_text()
        time.sleep(0.1)
        status = Path(f"/proc/{child.pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status and "CapEff:\t0000000000000000" in status and "Groups:\t \n" in status
        assert os.readlink(f"/proc/{child.pid}/ns/net") != os.readlink("/proc/self/ns/net")
        assert "Max processes             0" in Path(f"/proc/{child.pid}/limits").read_text()
    finally:
        os.close(writing)
        child.wait(10)


def lain(path: str, since: float, until: float | None = None, sha: bytes = b"s") -> Lain:
    return Lain(Kind.MAIL, "alice", "INBOX", path, sha, 1, 1, since, until)


def held(base: sqlite3.Connection) -> list[tuple[float, float | None]]:
    return list(base.execute("SELECT since, until FROM lain ORDER BY since"))


def test_the_catalogue_keeps_names_that_are_no_text(tmp_path: Path) -> None:
    with catalogue(Home.at(tmp_path)) as base:
        name = os.fsdecode(b"mail/home/alice/Maildir/cur/\xff")
        add_lain(base, [(lain(name, 1.0), None)])
        assert list(unread(base)) == [[(b"s", Kind.MAIL, name)]]
        assert base.execute("SELECT 1 FROM lain WHERE path = ?", (stored_name(name),)).fetchone()
    assert file_of(Home.at(tmp_path)).stat().st_mode & 0o777 == 0o600


def test_older_copies_make_a_row_longer(tmp_path: Path) -> None:
    with catalogue(Home.at(tmp_path)) as base:
        add_lain(base, [(lain("a", 50.0), None), (lain("b", 50.0, 60.0), None)])
        widen(base, [lain("a", 10.0), lain("b", 10.0), lain("c", 10.0)], 20.0)
        rows = dict(base.execute("SELECT path, since || ' ' || coalesce(until, '-') FROM lain"))
        assert rows == {"a": "10.0 -", "b": "10.0 60.0", "c": "10.0 20.001"}


def test_what_no_copy_holds_is_dropped(tmp_path: Path) -> None:
    with catalogue(Home.at(tmp_path)) as base:
        add_lain(base, [(lain("a", 10.0, 20.0), None), (lain("b", 20.0, 20.001), None), (lain("c", 5.0), None)])
        add_lain(base, [(lain("d", 30.0, 40.0, b"gone"), None)])
        add_things(base, [(b"s", about_mail(b"")), (b"gone", about_mail(b""))])
        assert tidy(base, [15.0, 20.0, 40.0]) == 1
        assert held(base) == [(5.0, None), (10.0, 20.0), (20.0, 20.001)]
        assert base.execute("SELECT count(*) FROM thing").fetchone() == (1,)
        assert base.execute("SELECT count(*) FROM words WHERE words MATCH 'x'").fetchone() == (0,)


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/file").write_text("x")
    (tmp_path / "out").symlink_to("in")
    (tmp_path / "in/link").symlink_to("file")
    os.mkfifo(tmp_path / "in/pipe")
    tree = Tree(tmp_path)
    assert tree.read("in/file", 9) == b"x"
    for path in ("out/file", "in/link", "in/pipe", "in", "../x", "in/../in/file", "none/file"):
        assert tree.read(path, 9) is None, path
    assert [path for path, _info in tree.walk("in")] == ["in/file"]
    tree.close()
    assert json.dumps(str(tree)) and not [fd for fd in os.listdir("/proc/self/fd") if _is(fd, tmp_path)]


def _is(fd: str, folder: Path) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{fd}").startswith(str(folder))
    except OSError:
        return False


def test_a_machine_that_talks_without_end_is_cut_off() -> None:
    for program, words in ((["yes"], "nonsense"), (["echo", "{}"], "took back 1 of 2"), (["true"], "took back 0 of 2")):
        child = start(program, stdin=PIPE, stdout=PIPE)
        with pytest.raises(SteadError, match=words):
            list(Answers(child).collect(2))
        assert child.wait(10) is not None
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            pipe.close()
