"""A year in simulated time (see ``tests/rig/year.py`` for what in it is real)."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stead.words.home import Home
from tests.rig.year import DAY, FAULTS, NAMES, Year

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def year() -> Iterator[Year]:
    # In memory where there is some: 26,000 backups are as many writes.
    base = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="year-", dir=base))
    try:
        yield Year(Home.at(folder), every_hour=False).run()
    finally:
        shutil.rmtree(folder)


def test_retention_is_exactly_as_stated_every_day(year: Year) -> None:
    for name in NAMES:
        place = year.places[name]
        assert place.kept_wrong == [], name
        assert place.prunings >= 300
        assert len(year.known[name].snapshots) < 100


def test_no_false_alarm(year: Year) -> None:
    assert year.told.false == []


def test_every_fault_is_told_in_time(year: Year) -> None:
    late = [
        f"{fault.name}: {begins} as {severity.value} within {within}, was {after}"
        for fault, begins, severity, within, after in year.alarms()
        if after is None or after > within
    ]
    assert late == []


def test_the_table_has_something_to_say(year: Year) -> None:
    assert year.backups > 24_000 and len(list(year.alarms())) == sum(len(fault.alarms) for fault in FAULTS) >= 15
    assert year.days * DAY
