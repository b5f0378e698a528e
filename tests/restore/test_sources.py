"""Which copy comes first."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stead.backup import place_of
from stead.backup.known import KnownSnapshot, load_known, save_known
from stead.restore.sources import sources
from stead.words.home import Home

_NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def _snapshot(name: str, at: datetime) -> KnownSnapshot:
    return KnownSnapshot(name * 64, at, 1, 1, {}, {}, "r-1", "", True)


def test_the_later_of_two_that_were_made_within_one_second_comes_first(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    home.pictures.mkdir(parents=True)
    place = place_of(home, "attic", str(tmp_path / "attic"))
    made = (_snapshot("a", _NOON - timedelta(hours=1)), _snapshot("b", _NOON), _snapshot("c", _NOON))
    save_known(home, "attic", replace(load_known(home, "attic"), snapshots=made))
    with sqlite3.connect(":memory:") as base:
        base.execute("CREATE TABLE met (place, snapshot, at, manifest)")
        assert [one.snapshot[0] for one in sources(home, [place], base)] == ["c", "b", "a"]
