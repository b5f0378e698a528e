"""Changes that look wrong are alarms and hold pruning; what a person does on an ordinary day is silent."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stead.backup import accept, holds
from stead.backup.changes import Wrong, clock_wrong, look_wrong
from stead.backup.holds import drift, load_watched, remember, save_watched
from stead.backup.known import Known, KnownSnapshot, save_known
from stead.backup.making import write_manifest
from stead.backup.pieces import Shift
from stead.words.declaration import Inventory
from stead.words.errors import SteadError
from stead.words.home import Home

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DAY = 86400.0


def ids(found: list[Wrong]) -> list[str]:
    return [one.id for one in found]


@pytest.mark.parametrize(
    ("gone", "rewritten", "expected"),
    [
        (0, 0, []),
        (199, 0, []),
        (200, 0, ["changes-gone"]),
        (0, 499, []),
        (0, 500, ["changes-rewritten"]),
        (300, 600, ["changes-gone", "changes-rewritten"]),
    ],
)
def test_a_fifth_gone_or_half_rewritten_is_wrong(gone: int, rewritten: int, expected: list[str]) -> None:
    assert ids(look_wrong([Shift(0, 1000, gone, rewritten)], {}, {})) == expected


def test_what_goes_slowly_within_a_day_is_wrong_too() -> None:
    assert ids(look_wrong([Shift(n, 1000 - 10 * n, 10, 0) for n in range(20)], {}, {})) == ["changes-gone"]
    assert look_wrong([Shift(n, 1000 - 10 * n, 10, 0) for n in range(19)], {}, {}) == []


def test_a_small_tree_may_be_tidied() -> None:
    assert look_wrong([Shift(0, 60, 49, 0)], {}, {}) == []
    assert look_wrong([Shift(0, 60, 0, 49)], {}, {}) == []


def held(**counts: int) -> dict[str, Inventory]:
    return {"mail": Inventory({}, {f"{user}/INBOX": count for user, count in counts.items()})}


def test_an_emptied_mailbox_is_wrong_and_a_small_or_removed_one_is_not() -> None:
    assert ids(look_wrong([], held(alice=20, bob=5), held(alice=0, bob=5))) == ["changes-empty-mail-alice"]
    assert look_wrong([], held(alice=19), held(alice=0)) == []
    assert look_wrong([], held(alice=500, bob=5), held(bob=5)) == [], "the account was removed"
    assert look_wrong([], held(alice=500), held(alice=1)) == []
    gone = {"mail": Inventory({}, {}), "files": Inventory({}, {"alice/files": 3, "alice/bytes": 9})}
    assert ids(look_wrong([], held(alice=500), gone)) == ["changes-empty-mail-alice"]


def test_a_backup_of_the_future_and_a_clock_that_jumps_are_wrong() -> None:
    assert ids(clock_wrong(NOW, NOW + timedelta(minutes=11), None)) == ["changes-future"]
    assert ids(clock_wrong(NOW, NOW, -700.0)) == ["changes-clock"]
    assert ids(clock_wrong(NOW, NOW, 700.0)) == ["changes-clock"]
    assert clock_wrong(NOW, NOW + timedelta(minutes=9), 500.0) == []
    assert clock_wrong(NOW, None, None) == []


def test_what_was_seen_holds_until_it_is_accepted(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    assert holds(home, "attic") == ()
    remember(home, [Wrong("a", "much is gone", True), Wrong("b", "the clock is wrong", False)])
    assert holds(home, "attic") == ("much is gone", "the clock is wrong")
    remember(home, [])
    assert holds(home, "attic") == ("much is gone",), "a clock that is right again is over, a loss is not"
    assert accept(home) == ("much is gone",) and holds(home, "attic") == ()
    assert load_watched(home).accepted_at > 0


def test_an_accepted_backup_of_the_future_stays_accepted(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    wrong = Wrong("changes-future", "the newest backup is of 2031", False)
    remember(home, [wrong])
    accept(home)
    assert remember(home, [wrong]) == ()
    assert remember(home, [Wrong("changes-future", "the newest backup is of 2041", False)])


def test_a_jump_is_measured_against_the_computers_own_time(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    assert drift(load_watched(home)) is None
    remember(home, [])
    watched = load_watched(home)
    assert abs(drift(watched) or 0) < 5
    save_watched(home, type(watched)(boot=watched.boot, offset=watched.offset - 3600))
    remember(home, [])
    assert (drift(load_watched(home)) or 0) > 3590, "the clock of before counts until it is accepted"
    accept(home)
    assert abs(drift(load_watched(home)) or 0) < 5
    save_watched(home, type(watched)(boot="another", offset=0))
    assert drift(load_watched(home)) is None


def test_a_damaged_memory_holds_until_it_is_accepted(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    remember(home, [])
    (home.lib / "changes.json").write_text("{")
    with pytest.raises(SteadError):
        holds(home, "attic")
    accept(home)
    assert holds(home, "attic") == ()


def test_a_bad_newest_backup_holds_its_own_place(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    one = KnownSnapshot("1" * 64, NOW, 1, 1, {}, {}, "r", "m", good=True)
    bad = KnownSnapshot("2" * 64, NOW + timedelta(hours=1), 1, 1, {}, {}, "r", "m", good=False)
    save_known(home, "attic", Known(snapshots=(bad, one)))
    save_known(home, "cellar", Known(snapshots=(one,)))
    assert len(holds(home, "attic")) == 1 and holds(home, "cellar") == ()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree/mail").mkdir(parents=True)
    for number in range(100):
        (tmp_path / f"tree/mail/{number}").write_text(f"mail {number}")
    write_manifest(tmp_path / "tree", now=time.time())
    return tmp_path / "tree"


def shift(tree: Path, *, days: float = 2) -> Shift:
    return write_manifest(tree, now=time.time() + days * DAY).shifts[-1]


def test_deleted_rewritten_and_moved_files_are_counted_apart(tree: Path) -> None:
    for number in range(30):
        (tree / f"mail/{number}").unlink()
    for number in range(30, 70):
        (tree / f"mail/{number}").write_text(f"ENCRYPTED {number}")
    for number in range(70, 100):
        (tree / f"mail/{number}").rename(tree / f"mail/{number}:2,S")
    found = shift(tree)
    assert (found.files, found.gone, found.rewritten) == (100, 30, 40)


def test_files_encrypted_under_other_names_are_gone(tree: Path) -> None:
    for path in list((tree / "mail").iterdir()):
        path.with_name(path.name + ".locked").write_bytes(os.urandom(50))
        path.unlink()
    assert shift(tree).gone == 100


def test_what_changes_all_the_time_is_not_counted(tree: Path) -> None:
    for path in list((tree / "mail").iterdir()):
        path.write_text("an index")
    found = shift(tree, days=0.5)
    assert (found.gone, found.rewritten) == (0, 0)
