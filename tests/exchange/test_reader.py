"""The real reader on whole sources: what it finds, where that goes, and what hostile archives cannot do."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from stead.exchange.items import Kind
from tests.exchange.things import TAKEOUT_MBOX, letter, mboxed, read, takeout


def test_a_takeout_in_german(tmp_path: Path) -> None:
    told = read(takeout(tmp_path))
    assert told.ended
    mails = {content.split(b"letter ")[1][:1]: item for item, content in told.of(Kind.MAIL)}
    where = {int(n): (item.where, *item.also) for n, item in mails.items()}
    assert where == {
        1: ("INBOX",),
        2: ("Archive",),
        3: ("Reisen/Größe.2024", "INBOX"),
        4: ("Sent",),
        5: ("Trash",),
        6: ("Junk",),
        7: ("Drafts",),
    }
    assert {int(n): item.flags for n, item in mails.items()} == {
        1: "S",
        2: "F",
        3: "S",
        4: "S",
        5: "S",
        6: "S",
        7: "DS",
    }
    assert all(item.date == 1704189600 for item in mails.values())
    assert sorted(item.where for item, _ in told.of(Kind.FILE)) == [
        "Drive/Meine Ablage/Brief.eml",
        "Drive/Meine Ablage/Fotos/ä.bin",
        "Takeout/archive_browser.html",
    ]
    assert {item.where for item, _ in told.of(Kind.ENTRY)} == {"Familie, Müller"}
    assert len({item.id for item, _ in told.of(Kind.CARD)}) == 3, "the same contact in two files is one"
    assert "its path leads outside the archive" in told.whys() and "Broken one" in told.whys()


def test_the_same_unpacked_and_as_tgz(tmp_path: Path) -> None:
    file = takeout(tmp_path)
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if ".." not in name]
        archive.extractall(tmp_path / "unpacked", names)
    with tarfile.open(tmp_path / "takeout.tgz", "w:gz") as packed:
        packed.add(tmp_path / "unpacked/Takeout", "Takeout")
    zipped = {(i.kind, i.id, i.where) for i in read(file).items}
    assert {(i.kind, i.id, i.where) for i in read(tmp_path / "takeout.tgz").items} == zipped
    assert {(i.kind, i.id, i.where) for i in read(tmp_path / "unpacked/Takeout").items} == zipped
    assert {(i.kind, i.id, i.where) for i in read(tmp_path / "unpacked").items} == zipped


def test_a_maildir_with_folders_and_flags(tmp_path: Path) -> None:
    box = tmp_path / "Maildir"
    for folder in ("", ".Sent", ".Reisen.Gr&APYA3w-e"):
        for part in ("cur", "new", "tmp"):
            (box / folder / part).mkdir(parents=True)
    names = {"cur/1700000000.M1P1.host,S=9:2,FRS": 1, "new/1700000001.M2P1.host": 2, ".Sent/cur/1700000002.x:2,S": 3}
    for name, number in {**names, ".Reisen.Gr&APYA3w-e/cur/1700000003.y!2,T": 4}.items():
        (box / name).write_bytes(letter(number).replace(b"\n", b"\r\n"))
        os.utime(box / name, (1_600_000_000 + number, 1_600_000_000 + number))
    (box / "tmp/1700000009.z").write_bytes(letter(9))
    (box / "dovecot-uidlist").write_text("3 V1\n")
    (box / "subscriptions").write_text("Sent\n")
    told = read(box)
    found = {(i.where, i.flags, i.date - 1_600_000_000) for i in told.items}
    assert found == {("INBOX", "FRS", 1), ("INBOX", "", 2), ("Sent", "S", 3), ("Reisen/Größe", "T", 4)}
    assert {c for _, c in told.of(Kind.MAIL)} == {letter(n) for n in range(1, 5)} and not told.lost


def test_thunderbirds_folders_and_eml(tmp_path: Path) -> None:
    local = tmp_path / "Mail"
    (local / "Inbox.sbd").mkdir(parents=True)
    (local / "Inbox").write_bytes(mboxed(letter(1, "X-Mozilla-Status: 0001\n"), "Tue Jan 02 10:00:00 2024", "-"))
    (local / "Inbox.msf").write_text("// <!-- <mdb:mork")
    (local / "Inbox.sbd/Arbeit").write_bytes(mboxed(letter(2, "X-Mozilla-Status: 0009\n")) + mboxed(letter(3)))
    (local / "alte").mkdir()
    (local / "alte/brief.eml").write_bytes(letter(4).replace(b"\n", b"\r\n"))
    (local / "alte/notiz.txt").write_text("just words")
    told = read(local)
    assert {(i.kind.value, i.where, i.flags) for i in told.items} == {
        ("mail", "INBOX", "S"),
        ("mail", "Inbox/Arbeit".replace("Inbox", "INBOX"), ""),
        ("mail", "alte", "S"),
        ("file", "Mail/alte/notiz.txt", ""),
    }
    assert "deleted it" in told.whys()


@pytest.mark.slow
def test_hostile_archives(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    nothing = b"\0" * (60 << 20)
    deflated = zlib.compress(nothing, wbits=-15)
    with zipfile.ZipFile(bomb, "w") as archive:
        for number in range(30):
            archive.writestr(f"{number}.mbox", deflated)
        for member in archive.filelist:
            # Packed once and put in as it is: the directory of the archive says what it is.
            member.compress_type, member.file_size, member.CRC = zipfile.ZIP_DEFLATED, len(nothing), zlib.crc32(nothing)
    told = read(bomb)
    assert told.ended and "unpacks to more than" in told.whys()
    links = tmp_path / "links.tar"
    with tarfile.open(links, "w") as packed:
        for name, kind, target in (("a", tarfile.SYMTYPE, "/etc/shadow"), ("b", tarfile.LNKTYPE, "/etc/shadow")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            packed.addfile(info)
        info = tarfile.TarInfo("/abs/../../x")
        info.size = 1
        packed.addfile(info, io.BytesIO(b"x"))
    told = read(links)
    assert told.ended and not told.items and told.whys().count("it is a link") == 2 and "leads outside" in told.whys()
    (tmp_path / "broken.zip").write_bytes(bomb.read_bytes()[:5000])
    (tmp_path / "noise.tgz").write_bytes(os.urandom(5000))
    for file in ("broken.zip", "noise.tgz"):
        told = read(tmp_path / file)
        assert told.ended and "damaged" in told.whys()


def test_links_in_a_folder_lead_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "things"
    folder.mkdir()
    (folder / "passwd").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    (folder / "real").write_text("x")
    told = read(folder)
    assert [i.where for i in told.items] == ["things/real"] and told.whys().count("link or a device") == 2


@pytest.mark.slow
def test_ten_thousand_labels_and_a_hundred_megabytes(tmp_path: Path) -> None:
    file = tmp_path / "takeout.mbox"
    with file.open("wb") as out:
        for number in range(10_000):
            out.write(mboxed(letter(number, f"X-Gmail-Labels: Label {number}\n")))
        out.write(mboxed(letter(10_000, body="x" * 99 + "\n")) + (b"y" * 99 + b"\n") * 1_000_000)
    told = read(file)
    assert told.ended and len({i.where for i in told.items}) == 10_001 and max(i.size for i in told.items) > 100_000_000


def test_everything_may_be_taken_as_files(tmp_path: Path) -> None:
    (tmp_path / "x.mbox").write_bytes(mboxed(letter(1)))
    told = read(tmp_path / "x.mbox", kind="files", into="Old")
    assert [(i.kind, i.where) for i in told.items] == [(Kind.FILE, "Old/x.mbox")]


def test_names_of_takeout_are_no_matter() -> None:
    assert "einschließlich" in TAKEOUT_MBOX
