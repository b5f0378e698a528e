"""Places that are away, damaged, or hold what this computer never put there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from stead import backup, live
from stead.backup.known import save_known
from stead.restore import catalogue
from stead.settings import load
from stead.words.progress import Silent
from stead.words.verdict import Verdict
from tests.restore.conftest import Owner
from tests.restore.test_mail import delete, in_folder, letter, put


@pytest.fixture
def word() -> str:
    return f"w{uuid4().hex[:10]}"


@contextmanager
def second_place(owner: Owner, folder: Path) -> Iterator[None]:
    """A place more, for a while; everything is backed up to both."""
    file = owner.server.home.settings_file
    before = file.read_text()
    file.write_text(f'{before}\n[[place]]\nname = "cellar"\nurl = "{folder}"\n')
    try:
        savings = live.backup(owner.server.home, load(owner.server.home), Silent())
        assert {one.verdict for one in savings} == {Verdict.PASS}, savings
        yield
    finally:
        file.write_text(before)


def test_where_one_place_is_away_the_other_is_asked(owner: Owner, word: str, tmp_path: Path) -> None:
    put(owner, letter(word, f"{word}@example.org"))
    with second_place(owner, tmp_path / "cellar"):
        delete(owner, "INBOX", word)
        owner.no_pictures()
        with owner.without_place():
            answer = owner.restore("mail", "alice", word, "--yes")
            assert answer["done"][0]["place"] == "cellar"
            assert any("attic" in words for words in answer["troubles"])
            nothing = owner.stead("mail", "alice", f"{word}x")
            assert nothing.code == 1 and "not asked: attic" in nothing.err and "backups in cellar" in nothing.err
    assert len(in_folder(owner, "INBOX", word)) == 1


def test_backups_of_a_lost_computer_are_searched(owner: Owner, word: str) -> None:
    """After a recovery only the newest backup is known here; the place holds the others all the same."""
    put(owner, letter(word, f"{word}@example.org"))
    older = owner.backup()
    delete(owner, "INBOX", word)
    newest = owner.backup()
    owner.no_pictures()
    home = owner.server.home
    known = backup.load_known(home, "attic")
    kept = tuple(one for one in known.snapshots if one.id == newest)
    save_known(home, "attic", replace(known, snapshots=kept))
    catalogue.forget(home)
    try:
        answer = owner.restore("mail", "alice", word, "--yes")
        assert answer["done"][0]["snapshot"] == older
        assert len(in_folder(owner, "INBOX", word)) == 1
        as_of = owner.stead("mail", "alice", word, "--snapshot", older[:8], "--dry-run")
        assert as_of.code == 0, as_of.err
    finally:
        save_known(home, "attic", known)


def test_what_is_not_what_was_saved_is_not_given_back(owner: Owner, word: str) -> None:
    """A place (or who holds it) that gives other bytes under the right name is found out by the digest."""
    put(owner, letter(word, f"{word}@example.org"))
    owner.backup()
    owner.picture()
    delete(owner, "INBOX", word)
    with catalogue.catalogue(owner.server.home) as base:
        base.execute(
            "UPDATE lain SET sha = zeroblob(32) WHERE sha = (SELECT sha FROM thing WHERE ident = ?)",
            (f"{word}@example.org",),
        )
        base.execute("UPDATE thing SET sha = zeroblob(32) WHERE ident = ?", (f"{word}@example.org",))
    answer = owner.stead("mail", "alice", word, "--yes")
    assert answer.code == 1 and "is not what was saved" in answer.err
    assert not in_folder(owner, "INBOX", word)
    catalogue.forget(owner.server.home)


def test_a_damaged_place_is_said(owner: Owner, word: str) -> None:
    put(owner, letter(word, f"{word}@example.org"))
    owner.backup()
    delete(owner, "INBOX", word)
    owner.no_pictures()
    packs = [path for path in owner.attic.glob("data/*/*") if path.is_file()]
    moved = [(path, path.with_name(path.name + ".away")) for path in packs]
    for path, away in moved:
        path.rename(away)
    try:
        answer = owner.stead("mail", "alice", word, "--yes")
        assert answer.code == 1 and "attic" in answer.err, answer.err
    finally:
        for path, away in moved:
            away.rename(path)
    assert not in_folder(owner, "INBOX", word)
