"""The alarm path does not depend on what failed: full disk, broken records, wrong settings, a way that hangs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stead import alerts
from stead.keeper import ensure_running, stop
from stead.keeper.wanted import wishes
from stead.records import Records
from stead.run import run
from stead.words.errors import UsageError
from stead.words.home import Home
from tests.alerts import far
from tests.alerts.conftest import ALARM, Clock, all_tested, find, wanted

#: Each message is a process of its own.
pytestmark = pytest.mark.waits

MINUTE = 60.0
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Home]:
    """A home whose state lies on a small disk of its own; /run does not."""
    home = Home.at(tmp_path / "h")
    for folder in (home.etc, home.lib, home.run):
        folder.mkdir(parents=True)
    run(["mount", "-t", "tmpfs", "-o", "size=2m", "small", home.lib], timeout=10)
    yield home
    stop(home)
    run(["umount", home.lib], timeout=10)


def fill(home: Home) -> Path:
    file = home.lib / "big"
    with file.open("wb", buffering=0) as out:
        for size in (65536, 4096, 512, 1):
            try:
                while out.write(b"x" * size) == size:
                    pass
            except OSError:
                continue
    return file


@pytest.mark.root
@needs_root
def test_a_full_disk_is_told_once_with_what_was_open_and_its_end(
    small_disk: Home, hook: far.Hook, clock: Clock
) -> None:
    wishes = wanted(hook.url)
    all_tested(small_disk, wishes, clock.now())
    find(small_disk, ALARM)
    alerts.tell(small_disk, wishes, clock.pass_(MINUTE))
    big = fill(small_disk)
    alerts.tell(small_disk, wishes, clock.pass_(5 * MINUTE))
    message = hook.got[1]
    assert "nothing can be recorded any more" in message["message"] and "df -h" in message["message"]
    assert ALARM.what in message["message"] and "Still so" in message["message"]
    for _ in range(20):
        alerts.tell(small_disk, wishes, clock.pass_(MINUTE))
    assert len(hook.got) == 2, "what was told is known though the records do not know it"
    assert alerts.acknowledge(small_disk, "all")
    big.unlink()
    find(small_disk)
    for _ in range(10):
        alerts.tell(small_disk, wishes, clock.pass_(MINUTE))
    assert "well again" in hook.titles[-1] and len(hook.got) == 3
    for words in (ALARM.what, "nothing can be recorded"):
        assert words in hook.got[-1]["message"], "the newer memory counts, though the records work again"
    with Records(small_disk.records) as records:
        assert [one.kind for one in records.sent()] == ["over", "alarm"]


@pytest.mark.root
@needs_root
@pytest.mark.parametrize("begun", ["before", "after"])
def test_the_keeper_tells_of_a_full_disk(small_disk: Home, hook: far.Hook, begun: str) -> None:
    """The keeper itself, begun before the disk was full or after it: its first look comes within half a minute."""
    home = small_disk
    home.settings_file.write_text(f'[alerts]\nurls = ["{hook.url}"]\n')
    Records(home.records).close()
    if begun == "before":
        ensure_running(home)
    fill(home)
    ensure_running(home)
    until = time.monotonic() + 100
    while not any("nothing can be recorded" in one["message"] for one in hook.got):
        assert time.monotonic() < until, f"no word of it: {hook.titles}"
        time.sleep(0.2)


def test_records_that_are_no_database_are_told(place: Home, hook: far.Hook, clock: Clock) -> None:
    wishes = wanted(hook.url)
    all_tested(place, wishes, clock.now())
    place.records.write_bytes(b"this is no database, whatever it was before" * 100)
    for name in ("-wal", "-shm"):
        place.records.with_name(place.records.name + name).unlink(missing_ok=True)
    alerts.tell(place, wishes, clock.pass_(MINUTE))
    assert "nothing can be recorded" in hook.titles[0] and "not a database" in hook.got[0]["message"]


def test_without_any_memory_it_is_said_now_and_then(place: Home, hook: far.Hook, clock: Clock) -> None:
    """No records, no /run, no /dev/shm: nothing can tell that it was said already, so the clock decides."""
    wishes = wanted(hook.url)
    place.lib.parent.mkdir()
    for folder in (place.lib, place.run):
        folder.write_text("a file where a folder should be")
    in_the_way = Path("/dev/shm") / f"{place.tag}-alerts.json"
    in_the_way.mkdir()
    try:
        for _ in range(120):
            alerts.tell(place, wishes, clock.pass_(MINUTE))
    finally:
        in_the_way.rmdir()
    assert 0 < len(hook.got) <= 2 * 2 * 3, "a few in half an hour, in two hours"


def test_a_mistake_in_the_settings_does_not_silence_its_own_alarm(place: Home, hook: far.Hook) -> None:
    place.etc.mkdir(parents=True)
    place.settings_file.write_text(f'[alerts]\nurls = ["{hook.url}"]\n')
    good = wishes(place)
    place.settings_file.write_text("[alerts]\nurl = 3\n")
    assert wishes(place) == good
    (place.secrets / "alerts.json").unlink()
    with pytest.raises(UsageError):
        wishes(place)


@pytest.mark.root
@needs_root
def test_a_keeper_that_starts_with_wrong_settings_tells_it(tmp_path: Path, hook: far.Hook) -> None:
    home = Home.at(tmp_path / "h")
    for folder in (home.etc, home.lib, home.run):
        folder.mkdir(parents=True)
    home.settings_file.write_text(f'[alerts]\nurls = ["{hook.url}"]\n')
    wishes(home)
    home.settings_file.write_text("[alerts]\nurl = 3\n")
    try:
        ensure_running(home)
        until = time.monotonic() + 60
        while not any("settings have a mistake" in one["message"] for one in hook.got):
            assert time.monotonic() < until, f"no word of it: {hook.titles}"
            time.sleep(0.2)
    finally:
        stop(home)


def test_a_way_that_hangs_or_refuses_does_not_stop_the_others(
    place: Home, hook: far.Hook, other: far.Hook, clock: Clock
) -> None:
    with far.hook() as third:
        hook.status, other.wait = 500, 20.0
        wishes = wanted(hook.url, other.url, "json://127.0.0.1:1/x", third.url)
        all_tested(place, wishes, clock.now())
        find(place, ALARM)
        began = time.monotonic()
        outcomes = alerts.tell(place, wishes, clock.pass_(MINUTE))
        assert [one.good for one in outcomes] == [False, False, False, True]
        assert third.got and time.monotonic() - began < 20
