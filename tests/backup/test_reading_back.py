"""Every byte of every place is read back in turns, and what is not what was stored is named."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stead.backup import load_known, slices
from stead.backup.known import save_known
from stead.backup.place import Place
from stead.backup.reading_back import ReadBack, read_back
from stead.backup.restic import DATA_PATH, Restic, checked
from stead.backup.slices import Damage, Reading, Slice, choose, damaged, done, interval, load_reading, parts, tried
from stead.backup.troubles import PlaceUnreachable
from stead.run import start
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.verdict import Verdict

from .conftest import NOW, Rig, damage_file

MONTH, DAY = 30 * 86400.0, timedelta(days=1)
NEW = Reading("id", NOW)


def test_one_a_day_is_done_in_time_with_days_to_spare() -> None:
    assert parts(MONTH) == 25 and interval(MONTH) == 86400
    for days in (1, 2, 7, 29, 30, 90, 365):
        within = days * 86400.0
        assert 1 <= parts(within) <= 256 and parts(within) * interval(within) == pytest.approx(within * 5 / 6)


@pytest.mark.parametrize("of", [1, 7, 25, 256])
def test_every_first_byte_is_in_one_slice(of: int) -> None:
    seen = Counter(byte for number in range(1, of + 1) for byte in Slice(number, of).first_bytes)
    assert seen == Counter(range(256))


def test_slices_come_in_turn_and_everything_is_read() -> None:
    reading, order = NEW, []
    for day in range(50):
        one = choose(reading, 25)
        order.append(one.number)
        reading = done(reading, one, NOW + DAY * day, ())
        assert reading.whole == (day >= 24)
    assert order == [*range(1, 26), *range(1, 26)]
    assert reading.age(NOW + DAY * 49) == 24 * 86400


def test_a_slice_that_cannot_be_read_stops_no_other_and_ages() -> None:
    reading = NEW
    for day in range(60):
        now, one = NOW + DAY * day, choose(reading, 25)
        reading = tried(reading, one, now, "gone") if one.number == 3 else done(reading, one, now, ())
    assert reading.age(NOW + DAY * 59) == 59 * 86400
    assert sum(at is None for at in reading.read_at) == len(Slice(3, 25).first_bytes)


def test_missed_days_are_made_up_for() -> None:
    reading = NEW
    for day in range(25):
        assert slices.turns(reading, MONTH, NOW + DAY * day) == 1
        reading = done(reading, choose(reading, 25), NOW + DAY * day, ())
    assert slices.turns(reading, MONTH, NOW + DAY * 25) == 1
    gap, day = 20, 45
    while slices.turns(reading, MONTH, NOW + DAY * day) > 1:
        for _ in range(slices.turns(reading, MONTH, NOW + DAY * day)):
            reading = done(reading, choose(reading, 25), NOW + DAY * day, ())
        day += 1
    assert day < 45 + gap and reading.age(NOW + DAY * day) < 26 * 86400


def test_another_number_of_slices_forgets_nothing() -> None:
    reading = NEW
    for day in range(25):
        reading = done(reading, choose(reading, 25), NOW + DAY * day, ())
    assert reading.whole
    after = done(reading, choose(reading, 10), NOW + DAY * 25, ())
    assert after.whole and after.age(NOW + DAY * 25) <= 25 * 86400


def test_damage_is_asked_again_and_ends_only_when_it_was_read_well() -> None:
    hit = Damage(2, "pack 02.. is damaged")
    reading = done(NEW, Slice(3, 25), NOW, (hit,))
    assert reading.damage == (hit,) and reading.read_at[2] is None and damaged(reading, 25) == Slice(3, 25)
    assert done(reading, Slice(4, 25), NOW, ()).damage == (hit,)
    assert tried(reading, Slice(3, 25), NOW, "gone").damage == (hit,)
    well = done(reading, Slice(3, 25), NOW, ())
    assert well.damage == () and damaged(well, 25) is None and well.read_at[2] == NOW


def test_it_is_kept_whole_and_a_damaged_file_is_said(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    assert load_reading(home, "attic") is None
    reading = done(NEW, Slice(2, 25), NOW + DAY, (Damage(1, "x"),), size=1000, seconds=2.0)
    slices.save_reading(home, "attic", replace(reading, trouble="y"))
    assert load_reading(home, "attic") == replace(reading, trouble="y") and reading.rate == 500
    (home.lib / "places/attic.reading.json").write_text('{"schema": 1')
    with pytest.raises(SteadError, match="damaged"):
        load_reading(home, "attic")


def read(rig: Rig, day: float = 0, within: float = MONTH, **more: object) -> tuple[ReadBack, ...]:
    now = NOW + timedelta(days=day)
    return read_back(rig.home, rig.place, rig.restic, within, now, **more)  # type: ignore[arg-type]


@pytest.mark.root
def test_every_pack_is_read_whatever_the_slices(rig: Rig) -> None:
    """Four slices; the biggest pack is damaged, and only the slice it is in says so, with its name."""
    within, pack = 4.8 * 86400, rig.packs()[0]
    assert parts(within) == 4
    damage_file(pack, 2000)
    verdicts = {}
    for day in range(4):
        outcome = read(rig, day, within)[-1]
        verdicts[outcome.slice] = outcome.verdict
        if outcome.verdict is Verdict.FAIL:
            assert pack.name in outcome.damage[0] and "is not what was stored" in outcome.damage[0]
    hit = f"{int(pack.name[:2], 16) % 4 + 1}/4"
    assert verdicts == {f"{n}/4": Verdict.FAIL if f"{n}/4" == hit else Verdict.PASS for n in range(1, 5)}
    state = load_reading(rig.home, "attic")
    assert state is not None and not state.whole and len(state.damage) == 1


@pytest.mark.root
def test_a_damaged_slice_is_read_again_and_the_alarm_ends(rig: Rig) -> None:
    pack = rig.packs()[0]
    good = pack.read_bytes()
    damage_file(pack, 2000)
    assert read(rig, whole=True)[-1].verdict is Verdict.FAIL
    again = read(rig, 1)
    assert [one.verdict for one in again] == [Verdict.FAIL, Verdict.PASS] or len(again) == 1
    pack.write_bytes(good)
    assert {one.verdict for one in read(rig, 2)} == {Verdict.PASS}
    state = load_reading(rig.home, "attic")
    assert state is not None and state.damage == ()


@pytest.mark.root
@pytest.mark.parametrize("how", ["gone", "short", "other"])
def test_a_pack_gone_short_or_exchanged_is_named(rig: Rig, how: str) -> None:
    pack = rig.packs()[-1] if how == "gone" else rig.packs()[0]
    if how == "gone":
        pack.unlink()
    else:
        pack.chmod(0o600)
        pack.write_bytes(pack.read_bytes()[:1000] if how == "short" else bytes(pack.stat().st_size))
    (outcome,) = read(rig, whole=True)
    assert outcome.verdict is Verdict.FAIL and pack.name in " ".join(outcome.damage)


@pytest.mark.root
def test_all_is_read_at_once_and_its_bytes_are_counted(rig: Rig) -> None:
    size = sum(pack.stat().st_size for pack in rig.packs())
    (outcome,) = read(rig, whole=True)
    state = load_reading(rig.home, "attic")
    assert outcome.verdict is Verdict.PASS and outcome.size >= size
    assert state is not None and state.whole and state.rate and state.age(NOW) == 0


@pytest.mark.root
def test_what_cannot_be_read_is_unproven_and_comes_again(rig: Rig) -> None:
    shutil.move(rig.repository, rig.repository.with_name("away"))
    (outcome,) = read(rig)
    state = load_reading(rig.home, "attic")
    assert outcome.verdict is Verdict.UNPROVEN and state is not None and state.trouble
    assert not any(state.read_at) and state.tried_at[0] is not None
    shutil.move(rig.repository.with_name("away"), rig.repository)
    assert read(rig, 1)[-1].slice == "2/25"


@pytest.mark.root
def test_a_budget_that_is_used_up_is_said_with_a_date(rig: Rig) -> None:
    read(rig)
    (outcome,) = read(rig, 1, budget=10)
    assert outcome.verdict is Verdict.UNPROVEN and "2026-03-27" in str(outcome.reason)
    assert read(rig, 1, budget=10**9)[-1].verdict is Verdict.PASS


@pytest.mark.root
def test_another_repository_begins_anew(rig: Rig) -> None:
    read(rig, whole=True)
    known = load_known(rig.home, "attic")
    save_known(rig.home, "attic", replace(known, repository="another"))
    (outcome,) = read(rig, 5)
    state = load_reading(rig.home, "attic")
    assert outcome.verdict is Verdict.FAIL and state is not None
    assert state.begun_at == NOW + timedelta(days=5) and not state.whole


@pytest.mark.root
def test_backups_beside_it_make_no_false_error(rig: Rig) -> None:
    """Reading everything, again and again, while a writer is at work."""
    restic, source = Restic(rig.restic, rig.place), rig.home.lib / "busy"
    source.mkdir()
    program = start(["sh", "-c", f"while :; do head -c 200000 /dev/urandom >{source}/new; sleep 0.05; done"])
    try:
        for _ in range(2):
            writer = start(
                restic.guarded(restic.words("backup", "--tag", "data", DATA_PATH, lock=True), {source: DATA_PATH}),
                env=restic.env(),
            )
            while writer.poll() is None:
                assert read(rig, whole=True)[-1].verdict is Verdict.PASS
    finally:
        program.kill()
        program.wait()


@pytest.mark.root
def test_a_structure_that_is_whole_when_asked_alone_is_no_damage(rig: Rig) -> None:
    """The first answer is that of a place in which a backup is just ending; the second is asked with no writer."""
    program = rig.home.lib / "restic.sh"
    program.parent.mkdir(parents=True, exist_ok=True)
    flag = rig.home.lib / "first"
    complaint = '{"message_type":"error","message":"tree 1234 not found in index"}'
    program.write_text(
        f'#!/bin/sh\ncase " $* " in *" check "*) [ -e {flag} ] || '
        f"{{ touch {flag}; echo '{complaint}' >&2; exit 1; }};; esac\nexec {rig.restic} \"$@\"\n"
    )
    program.chmod(0o755)
    (outcome,) = read_back(rig.home, rig.place, program, MONTH, NOW)
    assert outcome.verdict is Verdict.PASS and flag.exists()


@pytest.mark.root
def test_nothing_that_moves_is_a_place_that_is_gone(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    program = rig.home.lib / "restic.sh"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f'#!/bin/sh\ncase " $* " in *" check "*) exec sleep 60;; esac\nexec {rig.restic} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr("stead.backup.reading_back._STALLED_AFTER", 0.5)
    began = time.monotonic()
    (outcome,) = read_back(rig.home, rig.place, program, MONTH, NOW)
    assert outcome.verdict is Verdict.UNPROVEN and "nothing came" in str(outcome.reason)
    assert time.monotonic() - began < 30


def test_what_check_says() -> None:
    restic, pack = Restic(Path("x"), Place("attic", "/x", Path("y"))), "a" * 64
    said = f'{{"message_type":"error","message":"pack {pack} contains 1 errors: [ciphertext verification failed]"}}\n'
    end = '{"message_type":"exit_error","code":1,"message":"Fatal: repository contains errors"}\n'
    assert checked(restic, 0, "").problems == ()
    assert checked(restic, 1, said + end).packs == (pack,)
    assert len(checked(restic, 1, said + end).problems) == 1
    assert checked(restic, 1, end).problems and checked(restic, 1, "").problems
    net = f'{{"message_type":"error","message":"pack {"b" * 64}: dial tcp 127.0.0.1:1: connection refused"}}\n'
    with pytest.raises(PlaceUnreachable):
        checked(restic, 1, net + end)
    assert checked(restic, 1, said + net + end).packs == (pack,), "what was not fetched is not called damaged"
    with pytest.raises(SteadError):
        checked(restic, 12, "")
