"""Things come in from an archive, are seen through the real protocols, go out again, and are the same."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from imapclient import imap_utf7

from stead.exchange.exporting import give_out
from stead.exchange.folders import read_back, written
from stead.exchange.importing import Wanted, bring_in
from stead.exchange.items import Kind
from stead.run import run, start
from stead.services.mail.inventory import inventory
from stead.words.progress import Silent
from tests.exchange import looking
from tests.exchange.things import letter, mboxed, takeout
from tests.rig.server import Server

pytestmark = [pytest.mark.boot, pytest.mark.timeout(600)]

Person = Callable[[], str]

#: More than go together.
_MANY = 12_000


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def bodies(folder: Path) -> Counter[tuple[str, bytes]]:
    """Mail folder and content of every message of an export."""
    return Counter((str(p.parent.parent), p.read_bytes()) for p in (folder / "mail").rglob("cur/*"))


def test_a_takeout_comes_in_and_goes_out(house: Server, person: Person, tmp_path: Path) -> None:
    name, other = person(), person()
    file = takeout(tmp_path)
    report = bring_in(house.home, house.settings, Wanted(name, (file,)), Silent())
    assert report.added_by == {Kind.MAIL: 7, Kind.ENTRY: 2, Kind.CARD: 3, Kind.FILE: 3}
    whys = [json.loads(line)["why"] for line in report.file.read_text().splitlines()]
    assert len(whys) == report.missing == 4 and any("outside" in why for why in whys)
    as_a_client_sees_it(house, name)

    again = bring_in(house.home, house.settings, Wanted(name, (file,)), Silent())
    assert not again.added_by, again.added_by

    out = tmp_path / "out"
    given = give_out(house.home, name, out, "maildir", Silent())
    assert given == {"messages": 8, "entries": 2, "contacts": 3, "files": 3}
    assert "README.txt" in tree(out) and not list(house.home.pictures.glob("*-backup"))

    bring_in(house.home, house.settings, Wanted(other, (out,)), Silent())
    back = tmp_path / "back"
    give_out(house.home, other, back, "maildir", Silent())
    one, two = tree(out), tree(back)
    assert set(one) - {"README.txt"} == {path.replace(other, name) for path in two} - {"README.txt"}
    for path in set(one) - {"README.txt"}:
        if path.startswith(("mail/", "files/")):
            assert one[path] == two[path], path
        else:
            assert sorted(one[path].splitlines()) == sorted(two[path].splitlines()), path


def as_a_client_sees_it(house: Server, name: str) -> None:
    seen = looking.mail(house, name)
    assert len(seen) == 8
    by_folder = Counter(s.folder for s in seen)
    assert by_folder == {
        "INBOX": 2,
        "Archive": 1,
        "Reisen/Größe.2024": 1,
        "Sent": 1,
        "Trash": 1,
        "Junk": 1,
        "Drafts": 1,
    }
    assert {s.date for s in seen} == {datetime(2024, 1, 2, 10, 0, tzinfo=UTC)}
    (starred,) = [s for s in seen if s.folder == "Archive"]
    assert starred.flags == {b"\\Flagged"}
    (sent,) = [s for s in seen if s.folder == "Sent"]
    assert sent.flags == {b"\\Seen"} and b"\nFrom here on it is quoted.\n>From twice.\n" in sent.content
    assert "Reisen/Größe.2024" in looking.subscribed(house, name)
    found = looking.collections(house, name)
    assert set(found) >= {"Familie, Müller", "Contacts", "Calendar"}
    text = looking.calendar(house, name, found["Familie, Müller"])
    assert text.count("BEGIN:VEVENT") == 3 and text.count("RECURRENCE-ID") == 1
    assert looking.calendar(house, name, found["Contacts"]).count("BEGIN:VCARD") == 3
    code, content = looking.ask(house, name, "GET", f"/files/{name}/Drive/Meine%20Ablage/Fotos/%C3%A4.bin")
    assert code == 200 and len(content) == 100_000, content[:500]


def test_mbox_export_comes_in_again(house: Server, person: Person, tmp_path: Path) -> None:
    name, other = person(), person()
    source = tmp_path / "Arbeit.mbox"
    source.write_bytes(b"".join(mboxed(letter(n, "Status: RO\nX-Status: F\n" if n % 2 else "")) for n in range(50)))
    bring_in(house.home, house.settings, Wanted(name, (source,)), Silent())
    give_out(house.home, name, tmp_path / "out", "mbox", Silent())
    bring_in(house.home, house.settings, Wanted(other, (tmp_path / "out",)), Silent())
    first, second = looking.mail(house, name), looking.mail(house, other)
    assert Counter((s.folder, s.flags, s.date) for s in first) == Counter((s.folder, s.flags, s.date) for s in second)
    assert len(first) == 50 and {s.folder for s in first} == {"Arbeit"}


def test_what_came_in_does_not_stay_in_memory(house: Server, person: Person, tmp_path: Path) -> None:
    name, source = person(), tmp_path / "things"
    source.mkdir()
    (source / "in.mbox").write_bytes(b"".join(mboxed(letter(n) + b"long\n" * 2000) for n in range(20)))
    (source / "photo.jpg").write_bytes(bytes(2_000_000))
    assert bring_in(house.home, house.settings, Wanted(name, (source,)), Silent()).added_by.total() == 21
    kept = [p for part in ("mail", "files") for p in (house.home.data / part / "home" / name).rglob("*") if p.is_file()]
    big = [p for p in kept if p.stat().st_size > 9000]
    told = run(["fincore", "--bytes", "--noheadings", "--output", "RES", *big], timeout=20)
    assert len(big) == 21 and set(told.out.split()) == {"0"}


def test_a_client_that_looks_at_the_empty_folder_sees_what_came_in(
    house: Server, person: Person, tmp_path: Path
) -> None:
    name, source = person(), tmp_path / "Inbox"
    source.write_bytes(b"".join(mboxed(letter(number)) for number in range(30)))
    with house.imap(name) as client:
        assert client.select("INBOX")[1] == [b"0"]
        assert bring_in(house.home, house.settings, Wanted(name, (source,)), Silent()).added_by.total() == 30
        client.noop()
        assert client.select("INBOX")[1] == [b"30"]
        client.append("INBOX", "", "", b"Subject: later\r\n\r\nlater\r\n")
        assert client.select("INBOX")[1] == [b"31"]


def test_moved_and_deleted_mail_stays_moved_and_deleted(house: Server, person: Person, tmp_path: Path) -> None:
    name = person()
    source = tmp_path / "Inbox"
    source.write_bytes(b"".join(mboxed(letter(n)) for n in range(10)))
    bring_in(house.home, house.settings, Wanted(name, (source,)), Silent())
    with house.imap(name) as connection:
        connection.select("INBOX")
        connection.copy("1:3", "Trash")
        connection.store("1:6", "+FLAGS", r"(\Deleted)")
        connection.expunge()
    again = bring_in(house.home, house.settings, Wanted(name, (source,)), Silent())
    assert not again.added_by
    assert Counter(s.folder for s in looking.mail(house, name)) == {"INBOX": 4, "Trash": 3}


def test_quota_counts_what_came_in_and_holds(house: Server, person: Person, tmp_path: Path) -> None:
    name = person()
    source = tmp_path / "Inbox"
    source.write_bytes(b"".join(mboxed(letter(n, body="x" * 9000 + "\n")) for n in range(100)))
    bring_in(house.home, house.settings, Wanted(name, (source,)), Silent())
    looking.mail(house, name)
    held = inventory(house.home.data, (name,))
    assert held.totals["messages"] == 100 and held.totals["bytes"] > 900_000


def test_folder_names_are_written_as_dovecot_writes_them(house: Server, person: Person) -> None:
    name = person()
    odd = [
        "A.B/C",
        "x^y",
        "~tilde",
        "Straße/Größe",
        "a&b",
        "100%",
        'q"uote',
        "back\\slash",
        "cur",
        "em😀oji",
        "..",
        "日本",
    ]
    with house.imap(name) as connection:
        for folder in odd:
            quoted = folder.replace("\\", "\\\\").replace('"', '\\"')
            answer, said = connection.create('"' + imap_utf7.encode(quoted).decode() + '"')
            assert answer == "OK", (folder, said)
    box = house.home.data / "mail/home" / name / "Maildir"
    made = {p.name[1:] for p in box.iterdir() if p.is_dir() and p.name.startswith(".")}
    assert made >= {written(folder) for folder in odd}
    assert {read_back(written(folder)) for folder in odd} == set(odd)


def test_killed_at_any_moment_it_goes_on_and_nothing_is_twice(house: Server, person: Person, tmp_path: Path) -> None:
    name = person()
    source = tmp_path / "takeout.mbox"
    with source.open("wb") as out:
        for number in range(_MANY):
            out.write(mboxed(letter(number, f"X-Gmail-Labels: Inbox,L{number % 7}\n", "words\n" * 300)))
    line: list[str | Path] = [
        sys.executable,
        "-m",
        "stead.cli",
        "--home",
        house.home.lib.parent,
        "import",
        name,
        source,
    ]
    kills = 0
    # It takes half a second to begin and more than a second to end; a run after a kill has less to do.
    for wait in (0.6, 0.7, 0.8, 0.9, 1.1, 1.3):
        child = start(line)
        time.sleep(wait)
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            kills += 1
        child.wait()
    result = run([*line, "--json"], timeout=300)
    told = json.loads(result.out)
    assert kills >= 3 and told["added"]["messages"] + told["known"]["messages"] == _MANY
    box = house.home.data / "mail/home" / name / "Maildir"
    inbox = [p.name.split(".")[1] for p in (box / "cur").iterdir()] + [p.name for p in (box / "new").iterdir()]
    assert len(inbox) == len(set(inbox)) == _MANY, "each exactly once"
    assert sum(len(list((box / f".L{n}/cur").iterdir())) for n in range(7)) == _MANY
    assert {f"L{n}" for n in range(7)} <= set((box / "subscriptions").read_text().splitlines())
    assert not list((box / "tmp").iterdir())


def test_a_file_that_becomes_shorter_under_way_is_said_and_the_rest_comes_later(
    house: Server, person: Person, tmp_path: Path
) -> None:
    name = person()
    source = tmp_path / "old.mbox"
    whole = b"".join(mboxed(letter(number, body="words\n" * 3000)) for number in range(4_000))
    source.write_bytes(whole)
    line: list[str | Path] = [sys.executable, "-m", "stead.cli", "--home"]
    line += [house.home.lib.parent, "import", name, source]
    errors = (tmp_path / "errors").open("w+b")
    child = start(line, stderr=errors)
    time.sleep(1.2)
    os.truncate(source, len(whole) // 3)
    child.wait(120)
    errors.seek(0)
    said = errors.read().decode()
    assert child.returncode in (0, 1) and "Traceback" not in said, said
    source.write_bytes(whole)
    told = json.loads(run([*line, "--json"], timeout=300).out)
    assert told["added"]["messages"] + told["known"]["messages"] == 4_000
    box = house.home.data / "mail/home" / name / "Maildir"
    kept = [path for part in ("cur", "new") for path in (box / "old" / part, box / ".old" / part) if path.is_dir()]
    # What was cut in the middle by the shorter file came over as it was seen then, and whole the second time.
    assert 4_000 <= sum(len(os.listdir(path)) for path in kept) <= 4_001
    assert not list((box / "tmp").iterdir())


def test_an_account_elsewhere_over_imap_and_dav(house: Server, person: Person, tmp_path: Path) -> None:
    name, other = person(), person()
    bring_in(house.home, house.settings, Wanted(name, (takeout(tmp_path),)), Silent())
    secret = tmp_path / "password"
    secret.write_text(house.people[name] + "\n")
    tell = {"SSL_CERT_FILE": str(house.ca)}

    def fetch(url: str, *more: str) -> dict[str, dict[str, int]]:
        words: list[str | Path] = [
            "--home",
            house.home.lib.parent,
            "import",
            other,
            url,
            "--password-file",
            secret,
            "--json",
            *more,
        ]
        result = run([sys.executable, "-m", "stead.cli", *words], timeout=120, env=tell, expect=())
        assert result.code in (0, 1), result.err
        found: dict[str, dict[str, int]] = json.loads(result.out)
        return found

    imaps, https = house.endpoint("imaps").port, house.endpoint("https").port
    with house.imap(name) as connection:
        connection.select("INBOX")
        connection.store("1", "+FLAGS", r"($label3 Mine)")
    assert fetch(f"imaps://{name}@localhost:{imaps}")["added"]["messages"] == 8
    assert fetch(f"imaps://{name}@localhost:{imaps}")["added"]["messages"] == 0
    one, two = looking.mail(house, name), looking.mail(house, other)
    assert Counter((s.folder, s.flags, s.date, s.content) for s in one) == Counter(
        (s.folder, s.flags, s.date, s.content) for s in two
    )
    with house.imap(name) as connection:
        connection.append("INBOX", None, '"01-Jan-2020 00:00:00 +0000"', letter(99).replace(b"\n", b"\r\n"))
    assert fetch(f"imaps://{name}@localhost:{imaps}")["added"]["messages"] == 1, "only what is new"
    assert fetch(f"caldavs://{name}@localhost:{https}/calendar/{name}/")["added"]["entries"] == 2
    assert fetch(f"carddavs://{name}@localhost:{https}/calendar/{name}/")["added"]["contacts"] == 3
    assert fetch(f"https://{name}@localhost:{https}/calendar/{name}/", "--as", "calendar")["added"]["entries"] == 0
    path = f"/files/{name}/"
    assert fetch(f"webdavs://{name}@localhost:{https}{path}")["added"]["files"] == 3
    assert fetch(f"webdavs://{name}@localhost:{https}{path}")["added"]["files"] == 0
    give_out(house.home, name, tmp_path / "one", "maildir", Silent())
    give_out(house.home, other, tmp_path / "two", "maildir", Silent())
    assert tree(tmp_path / "one/files") == tree(tmp_path / "two/files")
    secret.write_text("wrong password\n")
    result = run(
        [sys.executable, "-m", "stead.cli", "--home", house.home.lib.parent, "import", other,
         f"imaps://{name}@localhost:{imaps}", "--password-file", secret],
        timeout=60, env=tell, expect=(),
    )  # fmt: skip
    assert result.code == 1 and "does not let" in result.err and "wrong password" not in result.err


def test_what_the_guest_plants_leads_the_writer_nowhere(house: Server, person: Person, tmp_path: Path) -> None:
    name = person()
    homes = house.home.data / "mail/home"
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o777)
    outside.chmod(0o777)
    there = homes.stat()
    (homes / name / "Maildir").mkdir(parents=True, exist_ok=True)
    (homes / name / "Maildir/.Arbeit").symlink_to(outside)
    for path in (homes / name, homes / name / "Maildir"):
        os.chown(path, there.st_uid, there.st_gid)
    source = tmp_path / "Arbeit.mbox"
    source.write_bytes(mboxed(letter(1)))
    try:
        bring_in(house.home, house.settings, Wanted(name, (source,)), Silent())
    except Exception as refused:
        print(f"refused: {refused}")
    assert not list(outside.iterdir())
