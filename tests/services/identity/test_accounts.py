"""Accounts on real files: formats, owners, refusals, two writers, and a crash at every write."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from stead.services.identity import WATCH, Accounts
from stead.words.errors import SteadError, UsageError

GOOD = "correct horse battery"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "live"
    root.mkdir()
    return root


def lines(data: Path, name: str) -> list[str]:
    return (data / "identity" / name).read_text().splitlines()


def test_first_account_is_owner_and_gets_the_roles_mail(data: Path) -> None:
    accounts = Accounts(data, "example.org")
    accounts.ensure_watch("w" * 9 + "atch")
    assert lines(data, "aliases")[0] == f"abuse@example.org {WATCH}@example.org"
    assert accounts.add("alice", GOOD).owner
    assert not accounts.add("bob", GOOD).owner
    assert accounts.owner() == "alice"
    assert [a.name for a in accounts.list()] == ["alice", "bob"]
    assert "postmaster@example.org alice@example.org" in lines(data, "aliases")
    assert lines(data, "addresses") == [f"{n}@example.org {n}" for n in ("alice", "bob", WATCH)]
    assert lines(data, "owners") == ["alice", WATCH]
    name, hashed, *rest = lines(data, "users")[0].split(":")
    assert (name, rest) == ("alice", [""] * 6)
    assert hashed.startswith("{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$")
    assert PasswordHasher().verify(hashed.removeprefix("{ARGON2ID}"), GOOD)


@pytest.mark.skipif(os.geteuid() != 0, reason="owners need root")
def test_files_have_the_owners_the_daemons_need(data: Path) -> None:
    Accounts(data, "example.org").add("alice", GOOD)
    found = {p.name: p.stat() for p in (data / "identity").iterdir()}
    assert {n: (s.st_uid, s.st_gid, stat.S_IMODE(s.st_mode)) for n, s in found.items()} == {
        ".lock": (0, 0, 0o600),
        "accounts.json": (0, 0, 0o600),
        "users": (524288, 524288 + 612, 0o640),
        "addresses": (524288, 524288, 0o644),
        "aliases": (524288, 524288, 0o644),
        "owners": (524288, 524288, 0o644),
    }


@pytest.mark.parametrize(
    "name", ["", "Alice", "1a", "a b", "a/b", "../a", "a\n", "a..b", "a.", "a" * 33, "-a", "a+b", "älice"]
)
def test_impossible_names(data: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be an account name"):
        Accounts(data, "example.org").add(name, GOOD)


@pytest.mark.parametrize("name", ["postmaster", "abuse", "root", WATCH, "shared", "site", "stead-x", "vmail"])
def test_reserved_names(data: Path, name: str) -> None:
    with pytest.raises(UsageError, match="kept for the server"):
        Accounts(data, "example.org").add(name, GOOD)


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", "line\nend of it", "x" * 600, "alice1234"])
def test_weak_passwords_are_refused_and_not_shown(data: Path, password: str) -> None:
    with pytest.raises(UsageError) as refused:
        Accounts(data, "example.org").add("alice", password)
    assert password not in refused.value.message + (refused.value.hint or "")
    assert Accounts(data, "example.org").list() == ()


def test_remove_keeps_the_entry_and_adding_again_brings_it_back(data: Path) -> None:
    accounts = Accounts(data, "example.org")
    accounts.add("alice", GOOD)
    accounts.add("bob", GOOD)
    with pytest.raises(UsageError, match="only owner"):
        accounts.remove("alice")
    accounts.set_owner("bob")
    accounts.remove("alice")
    assert [a.name for a in accounts.list()] == ["bob"]
    assert not any("alice" in line for f in ("users", "addresses", "owners", "aliases") for line in lines(data, f))
    for act in (accounts.remove, accounts.set_owner):
        with pytest.raises(UsageError, match="no account alice"):
            act("alice")
    assert not accounts.add("alice", GOOD + "!").owner
    with pytest.raises(UsageError, match="exists"):
        accounts.add("alice", GOOD)


def written(data: Path) -> tuple[int, int]:
    """Which file it is, and when it was written; reading it changes neither."""
    found = (data / "identity" / "users").stat()
    return found.st_ino, found.st_mtime_ns


def test_password_change_and_watch_only_write_when_needed(data: Path) -> None:
    accounts = Accounts(data, "example.org")
    accounts.add("alice", GOOD)
    accounts.ensure_watch("a-long-random-one")
    before = written(data)
    accounts.ensure_watch("a-long-random-one")
    accounts.refresh()
    assert written(data) == before
    accounts.set_password("alice", GOOD + "?")
    assert written(data) != before
    with pytest.raises(UsageError, match="no account"):
        accounts.set_password(WATCH, GOOD)


def test_a_new_domain_is_carried_through(data: Path) -> None:
    Accounts(data, "stead.test").add("alice", GOOD)
    Accounts(data, "example.org").refresh()
    assert lines(data, "addresses") == ["alice@example.org alice"]


def test_a_damaged_truth_changes_nothing(data: Path) -> None:
    accounts = Accounts(data, "example.org")
    accounts.add("alice", GOOD)
    users = lines(data, "users")
    (data / "identity" / "accounts.json").write_text('{"accounts": [')
    with pytest.raises(SteadError, match="cannot be read") as told:
        accounts.add("bob", GOOD)
    assert told.value.hint and lines(data, "users") == users


def _add(data: Path, name: str) -> None:
    Accounts(data, "example.org").add(name, GOOD)


def test_writers_at_once_lose_nothing(data: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_add, args=(data, f"user{n}")) for n in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert sorted(a.name for a in Accounts(data, "example.org").list()) == [f"user{n}" for n in range(6)]
    assert len(lines(data, "users")) == 6
    assert sum(a.owner for a in Accounts(data, "example.org").list()) == 1


def _crash_at(data: Path, point: int) -> None:
    """Add bob, and die at the ``point``-th call that changes the disk."""
    count = 0
    for name in ("open", "rename", "fsync"):
        real = getattr(os, name)

        def dying(*args: object, real: object = real, **kwargs: object) -> object:
            nonlocal count
            count += 1
            if count == point:
                os._exit(9)
            return real(*args, **kwargs)  # type: ignore[operator]

        setattr(os, name, dying)
    Accounts(data, "example.org").add("bob", GOOD)
    os._exit(0)


def test_a_crash_anywhere_leaves_old_or_new_and_is_mended(data: Path) -> None:
    Accounts(data, "example.org").add("alice", GOOD)
    truth = (data / "identity" / "accounts.json").read_bytes()
    context = multiprocessing.get_context("fork")
    for point in range(1, 80):
        (data / "identity" / "accounts.json").write_bytes(truth)
        Accounts(data, "example.org").refresh()
        child = context.Process(target=_crash_at, args=(data, point))
        child.start()
        child.join(60)
        found = json.loads((data / "identity" / "accounts.json").read_bytes())
        assert [a["name"] for a in found["accounts"]] in (["alice"], ["alice", "bob"])
        assert all(line.endswith("::::::") for line in lines(data, "users"))
        Accounts(data, "example.org").refresh()
        assert len(lines(data, "users")) == len(found["accounts"])
        assert not [p for p in (data / "identity").iterdir() if ".new-" in p.name]
        if child.exitcode == 0:
            break
    assert child.exitcode == 0 and point > 20
