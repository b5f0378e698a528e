"""A place that a lost computer filled: what is older than the new computer is known there, missed, and pruned."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stead.backup import Restic, load_known, prune
from stead.backup.pruning import Order
from stead.backup.restic import delete_snapshot, list_ids
from stead.run import run
from stead.settings import RetentionSettings
from stead.words.home import Home
from stead.words.verdict import Verdict
from tests.rig.saver import Saver, saver

pytestmark = [pytest.mark.root]


@pytest.fixture
def old(tmp_path: Path, restic: Path) -> Iterator[Saver]:
    with saver(Home.at(tmp_path / "old"), tmp_path / "release", restic) as one:
        yield one


@contextmanager
def successor(old: Saver, tmp_path: Path) -> Iterator[Saver]:
    """A new computer that has the place's password and knows nothing."""
    with saver(Home.at(tmp_path / "new"), tmp_path / "release-of-new", old.restic) as new:
        new.home.secrets.mkdir(parents=True, exist_ok=True)
        shutil.copy(old.home.secrets / "place-attic.password", new.home.secrets)
        yield new


def test_older_backups_are_known_missed_and_pruned(old: Saver, tmp_path: Path) -> None:
    setting = old.begun("attic", str(tmp_path / "attic"))
    for number in range(3):
        old.change(f"file {number}", 1000)
        assert old.backup(setting)["attic"].verdict is Verdict.PASS
    before = load_known(old.home, "attic")
    with successor(old, tmp_path) as new:
        assert new.backup(setting)["attic"].verdict is Verdict.PASS
        known = load_known(new.home, "attic")
        found = {one.id: one for one in known.snapshots}
        assert found.items() >= {one.id: one for one in before.snapshots}.items() and len(found) == 4
        assert known.releases.items() >= before.releases.items() and known.packs >= before.packs

        restic = Restic(new.restic, new.noun(setting))
        assert not delete_snapshot(restic, before.snapshots[1].id)
        lost = new.backup(setting)["attic"]
        assert lost.verdict is Verdict.FAIL and f"snapshots are gone from the place ({before.snapshots[1].id[:8]})" in (
            lost.reason or ""
        )


def test_the_rule_reaches_them(old: Saver, tmp_path: Path) -> None:
    setting = old.begun("attic", str(tmp_path / "attic"))
    assert old.backup(setting)["attic"].verdict is Verdict.PASS
    (older,) = load_known(old.home, "attic").snapshots
    with successor(old, tmp_path) as new:
        assert new.backup(setting)["attic"].verdict is Verdict.PASS
        (newest,) = (one for one in load_known(new.home, "attic").snapshots if one.id != older.id)
        later = datetime.now(UTC) + timedelta(days=1)
        order = Order(RetentionSettings(hourly=0, daily=1, weekly=0, monthly=0, yearly=0), newest.release)
        pruned = prune(new.home, new.noun(setting), new.restic, order, later)
        assert pruned.verdict is Verdict.PASS and older.id in pruned.removed and newest.id not in pruned.removed
        there = list_ids(Restic(new.restic, new.noun(setting)), "snapshots")
        assert newest.id in there and older.id not in there


def test_what_does_not_tell_what_is_in_it_stays_unknown_and_is_no_trouble(old: Saver, tmp_path: Path) -> None:
    setting = old.begun("attic", str(tmp_path / "attic"))
    assert old.backup(setting)["attic"].verdict is Verdict.PASS
    noun = old.noun(setting)
    stranger = Restic(old.restic, noun)
    (tmp_path / "strange").write_text("x")
    run(stranger.words("backup", "--tag", "data", tmp_path / "strange", lock=True), timeout=60, env=stranger.env())
    with successor(old, tmp_path) as new:
        assert new.backup(setting)["attic"].verdict is Verdict.PASS
        assert len(load_known(new.home, "attic").snapshots) == 2
        assert len(list_ids(Restic(new.restic, new.noun(setting)), "snapshots")) >= 4
