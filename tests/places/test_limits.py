"""What a place may be asked for: speed, bytes a month, hours, money. Each is kept, and silent where nothing is set."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stead.backup import count, left_this_month, quiet_seconds, read_budget, resting, this_month
from stead.backup.troubles import OverLimit
from stead.live import backup
from stead.settings import PlaceSetting, Quiet, load
from stead.words.errors import UsageError
from stead.words.home import Home
from stead.words.progress import Silent
from stead.words.verdict import Verdict
from tests.rig.places import serving
from tests.rig.saver import Saver, saver

ATTIC = PlaceSetting("attic", "/mnt/attic")


@pytest.fixture
def one(tmp_path: Path, restic: Path) -> Iterator[Saver]:
    with saver(Home.at(tmp_path / "home"), tmp_path / "release", restic) as made:
        yield made


@pytest.mark.root
def test_no_more_than_the_months_bytes_go_there(one: Saver, tmp_path: Path) -> None:
    with serving("rest", tmp_path / "rest") as server:
        free = one.begun("one", server.url("one"), server)
        assert one.backup(free)["one"].verdict is Verdict.PASS
        used = this_month(one.home, "one")
        assert used.sent > 2_000_000
        # In the middle of a backup: what is over is not sent, and no snapshot claims that it was.
        tight = replace(free, bytes_a_month=used.sent + used.read + 4_000_000, upload_limit=4_000_000)
        one.change(size=30_000_000)
        saving = one.backup(tight)["one"]
        assert saving.verdict is Verdict.FAIL and saving.snapshot is None and saving.reason is not None
        assert "what may go to the place one in a month has gone there" in saving.reason
        # How far beyond it comes depends on how often restic says what it sent: seconds on a busy computer.
        assert this_month(one.home, "one").sent - used.sent < 28_000_000
        # And before the next one: nothing is even tried.
        began = time.monotonic()
        again = one.backup(tight)["one"]
        assert again.verdict is Verdict.FAIL and "bytes_a_month" in (again.next or "")
        assert time.monotonic() - began < 20, "something was tried"
        assert one.backup(free)["one"].verdict is Verdict.PASS, "it goes on where it stopped"


@pytest.mark.root
def test_an_upload_keeps_to_its_speed(one: Saver, tmp_path: Path) -> None:
    with serving("rest", tmp_path / "rest") as server:
        slow = replace(one.begun("one", server.url("one"), server), upload_limit=1_000_000)
        one.backup(slow)
        one.change(size=4_000_000)
        assert one.backup(slow)["one"].seconds > 3


@pytest.mark.root
def test_the_keeper_leaves_a_place_alone_in_its_quiet_hours(one: Saver, tmp_path: Path) -> None:
    now = datetime.now()
    minute = now.hour * 60 + now.minute
    quiet = replace(one.begun("one", str(tmp_path / "place")), quiet_hours=Quiet(minute, (minute + 90) % 1440))
    other = one.begun("two", str(tmp_path / "two"))
    settings = one.settings(quiet, other)
    assert [s.place for s in backup(one.home, settings, Silent(), by_keeper=True)] == ["two"]
    assert [s.place for s in backup(one.home, settings, Silent(), "one")] == ["one"], "the owner may"


def test_counting_goes_by_the_month(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    count(home, "attic", sent=5, read=7)
    count(home, "attic", sent=5)
    assert (this_month(home, "attic").sent, this_month(home, "attic").read) == (10, 7)
    later = datetime.now(UTC) + timedelta(days=32)
    assert this_month(home, "attic", later).sent == 0
    (tmp_path / "lib/places/attic.traffic").write_text("no json")
    assert this_month(home, "attic").sent == 0


def test_what_is_left_and_what_proofs_may_read(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    assert left_this_month(home, ATTIC) is None and read_budget(home, ATTIC) is None
    capped = replace(ATTIC, bytes_a_month=10**9)
    assert left_this_month(home, capped) == 10**9 and read_budget(home, capped) == 5 * 10**8
    dear = replace(ATTIC, cost_per_gb=0.5, cost_a_month=2.0)
    assert read_budget(home, dear) == 4 * 10**9
    assert read_budget(home, replace(ATTIC, cost_per_gb=0.0)) is None, "known to cost nothing"
    count(home, "attic", sent=4 * 10**8, read=3 * 10**8)
    assert left_this_month(home, capped) == 3 * 10**8 and read_budget(home, capped) == 2 * 10**8
    assert read_budget(home, dear) == 37 * 10**8
    count(home, "attic", read=4 * 10**9)
    assert read_budget(home, capped) == 0 and read_budget(home, dear) == 0
    with pytest.raises(OverLimit):
        left_this_month(home, capped)


def test_quiet_hours_over_midnight_and_over_days() -> None:
    night = Quiet(22 * 60, 6 * 60)
    place = replace(ATTIC, quiet_hours=night)
    assert resting(place, datetime(2026, 3, 1, 23, 0)) and resting(place, datetime(2026, 3, 1, 5, 59))
    assert not resting(place, datetime(2026, 3, 1, 6, 0)) and not resting(ATTIC, datetime(2026, 3, 1, 23, 0))
    begin = datetime(2026, 3, 1, 12, 0).astimezone()
    assert quiet_seconds(night, begin, begin + timedelta(hours=12)) == 2 * 3600
    assert quiet_seconds(night, begin, begin + timedelta(days=3)) == 24 * 3600
    assert quiet_seconds(None, begin, begin + timedelta(days=3)) == 0
    assert quiet_seconds(night, begin + timedelta(days=3), begin) == 0


def test_every_limit_is_read_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    home.etc.mkdir()
    values = {
        "upload_limit": "500kB/s", "download_limit": "2.5MB/s", "bytes_a_month": "200GB", "quiet_hours": "22:00-06:00",
        "append_only": True, "medium": "cloud", "cost_per_gb": 0.09, "cost_a_month": 3,
    }  # fmt: skip
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    home.settings_file.write_text("\n".join(['[[place]]\nname = "a"\nurl = "/a"', *lines]))
    (read,) = load(home).places
    assert (read.upload_limit, read.download_limit, read.bytes_a_month) == (500_000, 2_500_000, 200 * 10**9)
    assert read.quiet_hours == Quiet(1320, 360) and read.append_only and read.medium == "cloud"
    assert (read.cost_per_gb, read.cost_a_month) == (0.09, 3.0)
    wrong = {
        "upload_limit": "fast", "bytes_a_month": "1 kB", "quiet_hours": "25:00-06:00", "append_only": "yes",
        "medium": "tape", "cost_per_gb": "much",
    }  # fmt: skip
    for name, value in wrong.items():
        home.settings_file.write_text(f'[[place]]\nname = "a"\nurl = "/a"\n{name} = "{value}"\n')
        with pytest.raises(UsageError, match=name):
            load(home)
