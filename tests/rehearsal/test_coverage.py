"""What a drill counts: small things always, a huge mailbox once a day, all of it when everything is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stead.records import Records
from stead.rehearsal.counter import Unit
from stead.rehearsal.coverage import order, this_time, units_of
from stead.words.declaration import Inventory
from stead.words.home import Home
from stead.words.quantities import say_time

_HUGE, _SMALL = Unit("mail", "alice"), Unit("mail", "bob")
_RECORDED = {"mail": Inventory({}, {"alice/INBOX": 400_000, "alice/INBOX bytes": 10**9, "bob/INBOX": 3})}
_USERS = ("alice", "bob")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.at(tmp_path)
    home.lib.mkdir(parents=True)
    return home


def _chosen(home: Home, *, whole: bool = False) -> list[Unit]:
    units = order(units_of(_RECORDED, _USERS), _RECORDED, _USERS)
    return this_time(home, units, _RECORDED, _USERS, whole=whole)


def _counted(home: Home, hours: float) -> None:
    then = say_time(datetime.now(UTC) - timedelta(hours=hours))
    with Records(home.records) as records:
        records.note("counted", {"mail/alice": then, "mail/bob": then}, datetime.now(UTC))


def test_a_huge_mailbox_is_not_counted_every_hour(home: Home) -> None:
    _counted(home, 3)
    assert _SMALL in _chosen(home) and _HUGE not in _chosen(home)


def test_it_is_counted_when_it_was_not_for_a_day(home: Home) -> None:
    _counted(home, 25)
    assert _HUGE in _chosen(home)


def test_a_full_drill_counts_everything(home: Home) -> None:
    _counted(home, 3)
    assert {_SMALL, _HUGE} <= set(_chosen(home, whole=True))
