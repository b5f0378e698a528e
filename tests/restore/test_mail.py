"""A mail back: from a picture, from a place, beside what is there, and with headers made to break things."""

from __future__ import annotations

import imaplib
import os
import re
import time
from email.message import EmailMessage
from uuid import uuid4

import pytest

from stead import live, machine
from stead.restore import catalogue
from stead.restore.catalogue import forget
from stead.words.progress import Silent
from tests.restore.conftest import Owner

WHEN = '"02-Jan-2026 10:00:00 +0000"'
FLAGS = r"(\Seen \Flagged $label1 todo)"


def letter(subject: str, ident: str, *more: bytes) -> bytes:
    head = (
        f"From: Zoe Adams <zoe@example.org>\r\nTo: alice@stead.test\r\nSubject: {subject}\r\n"
        f"Date: Fri, 02 Jan 2026 10:00:00 +0000\r\nMessage-ID: <{ident}>\r\n"
    )
    return head.encode() + b"".join(more) + b"\r\nhello\r\n"


def put(owner: Owner, content: bytes, folder: str = "INBOX") -> None:
    with owner.server.imap("alice") as link:
        answer, words = link.append(folder, FLAGS, WHEN, content)
        assert answer == "OK", words


def found(link: imaplib.IMAP4, folder: str, word: str) -> list[str]:
    """Flags and dates of the mails in a folder with this word in their text."""
    if link.select(folder, readonly=True)[0] != "OK":
        return []
    numbers = link.search(None, "TEXT", f'"{word}"')[1][0].split()
    return [str(link.fetch(number, "(FLAGS INTERNALDATE)")[1][0]) for number in numbers]


def in_folder(owner: Owner, folder: str, word: str) -> list[str]:
    with owner.server.imap("alice") as link:
        return found(link, folder, word)


def delete(owner: Owner, folder: str, word: str) -> None:
    with owner.server.imap("alice") as link:
        link.select(folder)
        for number in link.search(None, "TEXT", f'"{word}"')[1][0].split():
            link.store(number, "+FLAGS", r"(\Deleted)")
        link.expunge()


@pytest.fixture
def word() -> str:
    return f"w{uuid4().hex[:10]}"


def test_a_deleted_mail_comes_back_from_a_picture_as_it_was(owner: Owner, word: str) -> None:
    put(owner, letter(f"The bill {word}", f"{word}@example.org"))
    owner.backup()
    owner.picture()
    delete(owner, "INBOX", word)
    assert not in_folder(owner, "INBOX", word)
    with owner.without_place():
        answer = owner.restore("mail", "alice", "--subject", f"bill {word[:6]}", "--yes")
    assert "picture" in answer["done"][0]
    (mail,) = in_folder(owner, "INBOX", word)
    assert r"\Seen" in mail and r"\Flagged" in mail and "02-Jan-2026 10:00:00" in mail
    assert "$label1" in mail and "todo" in mail


def test_a_mail_comes_back_from_a_place_long_after(owner: Owner, word: str) -> None:
    put(owner, letter(word, f"{word}@example.org"), "Archive")
    snapshot = owner.backup()
    delete(owner, "Archive", word)
    owner.backup()
    owner.no_pictures()
    answer = owner.restore("mail", "alice", "--message-id", f"<{word}@example.org>", "--yes")
    assert answer["done"][0]["snapshot"] == snapshot
    (mail,) = in_folder(owner, "Archive", word)
    assert r"\Flagged" in mail and "02-Jan-2026" in mail and "$label1" in mail and "todo" in mail


def test_backups_the_catalogue_has_not_seen_are_read_where_they_lie(owner: Owner, word: str) -> None:
    for number in (1, 2):
        put(owner, letter(f"{word} {number}", f"{word}.{number}@example.org"))
        snapshot = owner.backup(learn=False)
        delete(owner, "INBOX", word)
    owner.backup(learn=False)
    owner.no_pictures()
    forget(owner.server.home)
    owner.restore("mail", "alice", f"{word} 1", "--yes")
    answer = owner.restore("mail", "alice", f"{word} 2", "--yes")
    assert answer["done"][0]["snapshot"] == snapshot
    assert len(in_folder(owner, "INBOX", word)) == 2


def test_a_damaged_catalogue_is_made_again(owner: Owner, word: str) -> None:
    put(owner, letter(word, f"{word}@example.org"))
    owner.backup()
    delete(owner, "INBOX", word)
    catalogue.file_of(owner.server.home).write_bytes(b"damage" * 4000)
    owner.restore("mail", "alice", word, "--yes")
    assert len(in_folder(owner, "INBOX", word)) == 1


def test_a_mail_that_came_and_went_between_two_backups_is_in_a_picture(owner: Owner, word: str) -> None:
    owner.backup()
    put(owner, letter(word, f"{word}@example.org"))
    owner.picture()
    delete(owner, "INBOX", word)
    owner.backup()
    owner.restore("mail", "alice", word, "--yes")
    assert len(in_folder(owner, "INBOX", word)) == 1


def test_what_was_deleted_lately_is_listed_without_words(owner: Owner, word: str) -> None:
    put(owner, letter(word, f"{word}@example.org"))
    owner.backup()
    delete(owner, "INBOX", word)
    answer = owner.restore("mail", "alice", "--dry-run")
    assert word in [one["title"] for one in answer["found"]]
    owner.restore("mail", "alice", word, "--yes")
    later = owner.stead("mail", "alice", "--dry-run", "--json")
    assert word not in later.out, "it is there again"


def test_a_mail_that_is_still_there_gets_a_copy_beside_once(owner: Owner, word: str) -> None:
    put(owner, letter(word, f"{word}@example.org"))
    owner.backup()
    told = owner.stead("mail", "alice", word, "--dry-run")
    assert "still in INBOX" in told.out and not in_folder(owner, "Restored", word)
    owner.restore("mail", "alice", word, "--yes")
    again = owner.restore("mail", "alice", word, "--yes")
    assert again["done"][0]["there_already"]
    assert len(in_folder(owner, "INBOX", word)) == 1
    assert len(in_folder(owner, "Restored", word)) == 1


def test_several_candidates_are_listed_and_nothing_is_done(owner: Owner, word: str) -> None:
    for number in (1, 2, 3):
        put(owner, letter(f"{word} {number}", f"{word}.{number}@example.org"))
    owner.backup()
    delete(owner, "INBOX", word)
    listed = owner.stead("mail", "alice", word)
    assert listed.code == 1 and all(f"{word} {number}" in listed.out for number in (1, 2, 3))
    assert not in_folder(owner, "INBOX", word)
    assert "not there now" in listed.out and "--pick" in listed.err
    owner.restore("mail", "alice", word, "--pick", "1,3", "--yes")
    assert len(in_folder(owner, "INBOX", word)) == 2


def test_without_a_terminal_and_without_yes_nothing_is_done(owner: Owner, word: str) -> None:
    put(owner, letter(word, f"{word}@example.org"))
    owner.backup()
    delete(owner, "INBOX", word)
    asked = owner.stead("mail", "alice", word)
    assert asked.code == 2 and "--yes" in asked.err and not in_folder(owner, "INBOX", word)


def test_words_of_every_field_find_it(owner: Owner, word: str) -> None:
    message = EmailMessage()
    message["From"] = f"Jürgen {word}f <j@example.org>"
    message["To"] = f"{word}t@stead.test"
    message["Subject"] = f"Größe {word}s"
    message["Date"] = "Fri, 02 Jan 2026 10:00:00 +0000"
    message["Message-ID"] = f"<{word}@example.org>"
    message.set_content("x")
    put(owner, bytes(message).replace(b"\n", b"\r\n"))
    owner.backup()
    ways = (
        ("--from", f"jurgen {word}f"),
        ("--to", f"{word}t"),
        ("--subject", f"grosse {word}".replace("grosse", "größe")),
        (f"{word}s", "--date", "2026-01-02"),
        (f"{word}s", "--since", "2026-01-01", "--until", "2026-01-03"),
        (f"{word}s", "--folder", "INBOX"),
    )
    for way in ways:
        assert len(owner.restore("mail", "alice", *way, "--dry-run")["found"]) == 1, way
    for other in ((f"{word}s", "--date", "2026-01-03"), (f"{word}s", "--folder", "Archive"), (f"{word}x",)):
        assert owner.stead("mail", "alice", *other, "--dry-run").code == 1, other
    assert owner.stead("mail", "bob", f"{word}s", "--dry-run").code == 1, "it is not bob's"


def test_hostile_headers_do_not_break_the_search(owner: Owner, word: str) -> None:
    hostile = (
        b"Subject: " + b"x" * 1_000_000 + b"\r\n",
        b"Subject: =?utf-8?b?" + b"A" * 100_000 + b"?=\r\n",
        b"Subject: =?no-such-charset?q?" + word.encode() + b"=ff?=\r\n",
        b"Subject: \x1b[2J\x1b]0;title\x07 \xe2\x80\xae" + word.encode() + b"\r\n",
        b"Date: Fri, 99 Foo 99999999 10:00\r\nFrom: =?utf-8?q?=00=0d=0aBcc:?= <a@b>\r\n",
        b"X:\r\n" * 20_000,
    )
    maildir = owner.server.home.data / "mail/home/alice/Maildir/cur"
    owner_of = maildir.stat()
    for number, lines in enumerate(hostile):
        put(owner, letter(f"{word} {number}", f"{word}.{number}@example.org", lines))
    # What no IMAP program would store, a hostile machine can write itself.
    for name, content in (("nul", b"Subject: a\0b " + word.encode() + b"\0\n\n"), ("bare", b"\xff\xfe" * 5000)):
        file = maildir / f"1700000000.{word}{name}.host,S={len(content)}:2,S"
        file.write_bytes(content)
        os.chown(file, owner_of.st_uid, owner_of.st_gid)
    (maildir / f"1700000001.{word}link.host:2,S").symlink_to("/etc/shadow")
    owner.backup()
    listed = owner.stead("mail", "alice", word, "--pick", "99")
    assert listed.code == 2, listed.err
    table = owner.stead("mail", "alice", word)
    assert table.code == 1 and "\x1b[2J" not in table.out and "\u202e" not in table.out
    assert len(owner.restore("mail", "alice", word, "--dry-run")["found"]) >= len(hostile)
    (maildir / f"1700000001.{word}link.host:2,S").unlink()


def test_nothing_found_says_how_far_back_it_looked(owner: Owner) -> None:
    owner.backup()
    owner.picture()
    answer = owner.stead("mail", "alice", "thereisnosuchword")
    assert answer.code == 1
    assert re.search(r"\d+ pictures on this computer \(the oldest of .*\d+ backups in attic", answer.err), answer.err
    nobody = owner.stead("mail", "zoe", "x")
    assert nobody.code == 2 and "alice, bob" in nobody.err


def test_a_place_that_is_away_is_said(owner: Owner, word: str) -> None:
    put(owner, letter(word, f"{word}@example.org"))
    owner.backup()
    delete(owner, "INBOX", word)
    owner.no_pictures()
    with owner.without_place():
        answer = owner.stead("mail", "alice", word, "--yes")
        assert answer.code in (1, 3) and "attic" in answer.err
    assert not in_folder(owner, "INBOX", word)


def test_a_folder_with_another_alphabet(owner: Owner, word: str) -> None:
    with owner.server.imap("alice") as link:
        link.create('"Rechnungen.b/&AMQ-rger"')
    put(owner, letter(word, f"{word}@example.org"), '"Rechnungen.b/&AMQ-rger"')
    owner.backup()
    with owner.server.imap("alice") as link:
        link.delete('"Rechnungen.b/&AMQ-rger"')
    owner.restore("mail", "alice", word, "--yes")
    assert len(in_folder(owner, '"Rechnungen.b/&AMQ-rger"', word)) == 1


def test_the_server_must_run(owner: Owner, word: str) -> None:
    put(owner, letter(word, f"{word}@example.org"))
    owner.backup()
    delete(owner, "INBOX", word)
    server = owner.server
    machine.stop(server.home, "live")
    try:
        answer = owner.stead("mail", "alice", word, "--yes")
        assert answer.code == 1 and "not running" in answer.err and "stead up" in answer.err
    finally:
        live.up(server.home, server.settings, Silent())
    time.sleep(1)
    owner.restore("mail", "alice", word, "--yes")
    assert len(in_folder(owner, "INBOX", word)) == 1
