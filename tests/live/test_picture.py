"""No two backups have the same time."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stead.backup.known import KnownSnapshot, load_known, save_known
from stead.live.picture import apart
from stead.words.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.at(tmp_path)
    home.pictures.mkdir(parents=True)
    return home


def _kept(home: Home, at: datetime) -> None:
    one = KnownSnapshot("a" * 64, at, 1, 1, {}, {}, "r-1", "", True)
    save_known(home, "attic", replace(load_known(home, "attic"), snapshots=(one,)))


def _second() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def test_the_second_of_the_newest_backup_passes_first(home: Home) -> None:
    newest = _second()
    _kept(home, newest)
    apart(home, ["attic"])
    assert _second() > newest


def test_the_second_of_one_that_is_under_way_passes_first(home: Home) -> None:
    newest = _second()
    (home.pictures / f"{newest:%Y%m%dT%H%M%S}Z-backup").mkdir()
    apart(home, ["attic"])
    assert _second() > newest


@pytest.mark.parametrize("ago", [timedelta(minutes=15), timedelta(hours=-3), None])
def test_otherwise_nobody_waits(home: Home, ago: timedelta | None) -> None:
    if ago is not None:
        _kept(home, _second() - ago)
    began = time.monotonic()
    apart(home, ["attic"])
    assert time.monotonic() - began < 0.2
