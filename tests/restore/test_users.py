"""A folder, a user, everything of a moment."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import pytest

from stead.services.identity import Accounts
from tests.restore.conftest import Owner
from tests.restore.test_entries import CARD
from tests.restore.test_mail import delete, in_folder, letter, put
from tests.services.files.dav import Client


@pytest.fixture
def word() -> str:
    return f"w{uuid4().hex[:10]}"


@pytest.mark.parametrize("far", [False, True])
def test_what_is_missing_of_a_folder_comes_back(owner: Owner, word: str, far: bool) -> None:
    with owner.server.imap("alice") as link:
        link.create(word)
    for number in range(4):
        put(owner, letter(f"{word} {number}", f"{word}.{number}@example.org"), word)
    owner.backup()
    owner.picture()
    if far:
        owner.no_pictures()
    delete(owner, word, f"{word}.0@")
    delete(owner, word, f"{word}.3@")
    put(owner, letter(f"{word} new", f"{word}.new@example.org"), word)
    answer = owner.restore("folder", "alice", word, "--as-of", "0s", "--yes")
    assert len(answer["done"]) == 2
    mails = in_folder(owner, word, word)
    assert len(mails) == 5 and sum(r"\Flagged" in mail and "02-Jan-2026" in mail for mail in mails) == 5
    assert sum("$label1" in mail and "todo" in mail for mail in mails) == 5
    nothing = owner.stead("folder", "alice", word, "--yes")
    assert nothing.code == 1 and "nothing of" in nothing.err


def test_a_deleted_folder_comes_back_with_the_folders_in_it(owner: Owner, word: str) -> None:
    with owner.server.imap("alice") as link:
        for name in (word, f"{word}/below"):
            link.create(name)
            link.append(
                name, "", '"02-Jan-2026 10:00:00 +0000"', letter(f"{word} {name[-5:]}", f"{name[-5:]}.{word}@x")
            )
    owner.backup()
    with owner.server.imap("alice") as link:
        link.delete(f"{word}/below")
        link.delete(word)
    owner.restore("folder", "alice", word, "--as-of", "0s", "--yes")
    assert len(in_folder(owner, word, word)) == 1 and len(in_folder(owner, f"{word}/below", word)) == 1


def test_a_user_of_whom_nothing_is_missing(owner: Owner) -> None:
    owner.backup()
    answer = owner.stead("user", "bob", "--as-of", "0s", "--yes")
    assert answer.code == 1 and "nothing of what bob had is missing" in answer.err


def test_a_user_comes_back_with_everything(owner: Owner, word: str) -> None:
    server = owner.server
    accounts, data = Accounts(server.home.data, server.domain), server.home.data
    bob = Client(server, "bob")
    with server.imap("bob") as link:
        link.append("INBOX", r"(\Seen)", '"02-Jan-2026 10:00:00 +0000"', letter(word, f"{word}@example.org"))
    bob.ask("PUT", f"/files/bob/{word}.txt", b"bob's")
    bob.ask("PROPFIND", "/calendar/bob/", b"", {"Depth": "1"})
    card = CARD.format(uid=word, words=word)
    assert bob.ask("PUT", f"/calendar/bob/contacts/{word}.vcf", card, {"Content-Type": "text/vcard"}).status == 201
    owner.backup()
    accounts.remove("bob")
    owner.backup()
    for path in (*(data / "mail/home/bob/Maildir").glob("*/*"), *(data / "files/home/bob").iterdir()):
        if path.is_file():
            path.unlink()
    (data / f"calendar/collections/collection-root/bob/contacts/{word}.vcf").unlink()
    owner.no_pictures()
    told = owner.stead("user", "bob", "--as-of", "0s", "--dry-run")
    assert told.code == 1 and "no copy has an account bob" in told.err, "the newest copy is of after"
    answer = owner.restore("user", "bob", "--pick", "1", "--yes")
    assert len(answer["done"]) >= 4
    deadline = time.monotonic() + 20
    while True:
        try:
            with server.imap("bob") as link:
                link.select("INBOX", readonly=True)
                assert link.search(None, "SUBJECT", word)[1][0].split()
            break
        except Exception:
            assert time.monotonic() < deadline
            time.sleep(0.5)
    assert bob.ask("GET", f"/files/bob/{word}.txt").text == "bob's"
    assert word in bob.ask("GET", f"/calendar/bob/contacts/{word}.vcf").text


@pytest.mark.parametrize("far", [False, True])
def test_everything_of_a_moment_comes_beside(owner: Owner, word: str, far: bool, tmp_path: Path) -> None:
    alice = Client(owner.server, "alice")
    alice.ask("PUT", f"/files/alice/{word}.txt", b"then")
    owner.backup()
    owner.picture()
    then = datetime.now().astimezone().isoformat()
    time.sleep(1.1)
    alice.ask("PUT", f"/files/alice/{word}.txt", b"now")
    owner.backup()
    if far:
        owner.no_pictures()
    target = tmp_path / "then"
    more = ("--to", str(target)) if far else ()
    answer = owner.restore("all", "--as-of", then, *more, "--yes")
    where = Path(answer["done"][0]["where"])
    assert (where / f"files/home/alice/{word}.txt").read_text() == "then"
    assert alice.ask("GET", f"/files/alice/{word}.txt").text == "now"
    again = owner.stead("all", "--as-of", then, *more, "--yes")
    assert again.code == 2 and "is there already" in again.err
