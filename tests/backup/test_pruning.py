"""Pruning: what was to go is gone, nothing else is, and a kill anywhere is made good by the next run."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from stead.backup import load_known, place_of
from stead.backup.changes import Wrong
from stead.backup.cold import mount_cold
from stead.backup.cycle import backup_bound, lost
from stead.backup.damage import losses
from stead.backup.holds import Watched, save_watched
from stead.backup.known import Known, save_known
from stead.backup.pruning import Order, Pruned, miscounted, prune
from stead.backup.restic import DATA_PATH, RELEASE_PATH, Restic, check, list_ids
from stead.backup.troubles import PlaceBusy, PlaceDamaged
from stead.run import run, start
from stead.settings import RetentionSettings
from stead.settings.nouns import FOR_EVER
from stead.words.home import Home
from stead.words.progress import Silent
from stead.words.verdict import Verdict

from .conftest import NOW, Rig
from .test_retention import made

RULE = RetentionSettings(2, 0, 0, 0, 0)
ORDER = Order(RULE, "r-0123456789ab")
LATER = NOW + timedelta(days=1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, template: Rig) -> Path:
    """The template with five hourly backups before its own, each with a file of its own."""
    base = tmp_path_factory.mktemp("filled")
    rig = moved(template.data.parent, base, template.restic)
    restic = Restic(rig.restic, rig.place)
    known = load_known(rig.home, "attic")
    (newest,) = known.snapshots
    found = []
    for number in range(5, 0, -1):
        source = rig.home.lib / f"old-{number}"
        source.mkdir()
        (source / "only").write_bytes(os.urandom(40_000))
        at = NOW - timedelta(hours=number)
        ended = backup_bound(rig.home, restic, {source: DATA_PATH}, "data", Silent(), at=at)
        found.append(replace(newest, id=ended.summary["snapshot_id"], taken_at=at))
    listed(rig, known, *found)
    return base


@pytest.fixture
def rig(tmp_path: Path, filled: Path, restic: Path) -> Rig:
    """A place with six good backups in it."""
    return moved(filled, tmp_path, restic)


def moved(source: Path, target: Path, restic: Path) -> Rig:
    run(["cp", "-a", f"{source}/.", target], timeout=60)
    home = Home.at(target / "home")
    return Rig(home, restic, place_of(home, "attic", str(target / "attic")), target / "data")


def ids(rig: Rig) -> list[str]:
    """The ids of all six, oldest first."""
    return [one.id for one in sorted(load_known(rig.home, "attic").snapshots, key=lambda one: one.taken_at)]


def listed(rig: Rig, known: Known, *more: object) -> None:
    """Know everything that is there now."""
    restic = Restic(rig.restic, rig.place)
    packs, indexes = list_ids(restic, "packs"), list_ids(restic, "index")
    snapshots = (*known.snapshots, *more)
    save_known(rig.home, "attic", replace(known, snapshots=snapshots, packs=packs, indexes=indexes))  # type: ignore[arg-type]


def pruned(rig: Rig, order: Order = ORDER, now: datetime = LATER) -> Pruned:
    return prune(rig.home, rig.place, rig.restic, order, now)


def there(rig: Rig) -> set[str]:
    return {file.name for file in (rig.repository / "snapshots").iterdir()}


def well(rig: Rig) -> None:
    """Nothing is missed, nothing is damaged, the next backup is good."""
    assert losses(rig.home, rig.place, rig.restic) == ()
    assert check(Restic(rig.restic, rig.place), subset="100%").problems == ()
    known = load_known(rig.home, "attic")
    assert known.pruning is None and known.expected_snapshots == there(rig)
    assert rig.backup().problems == ()


@pytest.mark.root
def test_exactly_what_may_go_is_gone_with_its_bytes(rig: Rig) -> None:
    every = ids(rig)
    before = sum(pack.stat().st_size for pack in rig.packs())
    done = pruned(rig)
    assert (done.verdict, done.reason) == (Verdict.PASS, None)
    assert set(done.removed) == set(every[:-2]) and there(rig) == set(every[-2:]) == set(done.listed)
    assert before - sum(pack.stat().st_size for pack in rig.packs()) > 4 * 40_000
    assert rig.newest == every[-1]
    well(rig)


@pytest.mark.root
def test_a_dry_run_and_a_hold_remove_nothing(rig: Rig) -> None:
    every = ids(rig)
    done = pruned(rig, replace(ORDER, dry_run=True))
    assert done.verdict is Verdict.PASS and set(done.waiting) == set(every[:4]) and done.removed == ()
    save_watched(rig.home, Watched((Wrong("changes-gone", "300 of 400 files are gone", True),)))
    held = pruned(rig)
    assert held.verdict is Verdict.UNPROVEN and "300 of 400 files are gone" in str(held.reason)
    assert set(held.waiting) == set(every[:4]) and there(rig) == set(every)


@pytest.mark.root
def test_a_bad_newest_backup_holds(rig: Rig) -> None:
    every = ids(rig)
    known = load_known(rig.home, "attic")
    snapshots = tuple(replace(one, good=one.id != every[-1]) for one in known.snapshots)
    save_known(rig.home, "attic", replace(known, snapshots=snapshots))
    assert "was not good" in str(pruned(rig).reason) and there(rig) == set(every)


@pytest.mark.root
def test_releases_that_no_kept_backup_needs_go_too(rig: Rig) -> None:
    every = ids(rig)
    restic, source = Restic(rig.restic, rig.place), rig.home.lib / "release"
    source.mkdir()
    releases = {}
    for name in ("r-old", "r-kept", "r-0123456789ab", "r-next"):
        (source / "program").write_text(name)
        ended = backup_bound(
            rig.home, restic, {source: f"{RELEASE_PATH}/tree"}, f"release,{name}", Silent(), top=RELEASE_PATH
        )
        releases[name] = str(ended.summary["snapshot_id"])
    known = load_known(rig.home, "attic")
    named = dict(zip(every, (*["r-old"] * 4, "r-kept", "r-0123456789ab"), strict=True))
    snapshots = tuple(replace(one, release=named[one.id]) for one in known.snapshots)
    listed(rig, replace(known, snapshots=snapshots, releases=releases))
    done = pruned(rig, replace(ORDER, current="r-next"))
    assert done.verdict is Verdict.PASS and set(done.removed) == {*every[:4], releases["r-old"]}
    assert set(load_known(rig.home, "attic").releases) == {"r-kept", "r-0123456789ab", "r-next"}
    well(rig)


@pytest.mark.root
def test_what_is_not_on_our_list_stays(rig: Rig) -> None:
    every = ids(rig)
    known = load_known(rig.home, "attic")
    save_known(rig.home, "attic", replace(known, snapshots=tuple(s for s in known.snapshots if s.id != every[0])))
    assert set(pruned(rig).removed) == set(every[1:4]) and every[0] in there(rig)


@pytest.mark.root
def test_a_place_that_lost_something_is_not_pruned(rig: Rig) -> None:
    every = ids(rig)
    (rig.repository / "snapshots" / every[4]).unlink()
    done = pruned(rig)
    assert done.verdict is Verdict.FAIL and "nothing was pruned" in str(done.reason)
    assert every[4][:8] in str(done.reason)
    assert there(rig) == {*every[:4], every[5]}


@contextmanager
def refusing(folder: Path) -> Iterator[None]:
    """What an append-only store does: nothing there can be deleted."""
    files = [str(file) for file in folder.iterdir()]
    run(["chattr", "+i", *files], timeout=20)
    try:
        yield
    finally:
        run(["chattr", "-i", *files], timeout=20)


@pytest.mark.root
def test_a_refused_forget_is_caught_though_restic_says_success(rig: Rig) -> None:
    every = ids(rig)
    try:
        with refusing(rig.repository / "snapshots"):
            done = pruned(rig)
    except Exception as refused:
        if "chattr" in str(refused):
            pytest.skip("this file system knows no immutable files")
        raise
    assert done.verdict is Verdict.FAIL and "4 snapshots were to go and are still there" in str(done.reason)
    assert there(rig) == set(every)
    well(rig)
    assert set(pruned(rig).removed) >= set(every[:4])


def wrapper(rig: Rig, when: str, then: str) -> Path:
    """A restic before whose ``when`` (or after whose end) something happens: a shell script in its stead."""
    file = rig.home.lib / "restic.sh"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'#!/bin/sh\ncase " $* " in *" {when} "*) {then};; esac\nexec {rig.restic} "$@"\n')
    file.chmod(0o755)
    return file


@pytest.mark.root
def test_one_snapshot_too_many_gone_is_caught(rig: Rig) -> None:
    every = ids(rig)
    program = wrapper(rig, "forget", f"rm -f {rig.repository}/snapshots/{every[4]}")
    done = prune(rig.home, rig.place, program, ORDER, LATER)
    assert done.verdict is Verdict.FAIL and f"1 snapshots are gone that were to stay ({every[4][:8]})" in str(
        done.reason
    )
    assert every[4][:8] in losses(rig.home, rig.place, rig.restic)[0], "and it is missed from now on"


@pytest.mark.root
def test_damage_after_pruning_is_seen_and_not_taken_for_good(rig: Rig) -> None:
    program = wrapper(rig, "check", f"rm -f {rig.packs()[0]}")
    done = prune(rig.home, rig.place, program, ORDER, LATER)
    assert done.verdict is Verdict.FAIL and rig.packs() and "after pruning" in str(done.reason)
    assert load_known(rig.home, "attic").pruning is not None
    again = pruned(rig)
    assert again.verdict is Verdict.FAIL and "cut off" in str(again.reason)


_CHILD = """
import sys, pathlib, datetime
from stead.backup.pruning import Order, prune
from stead.backup import place_of
from stead.settings import RetentionSettings
from stead.settings.nouns import FOR_EVER
from stead.words.home import Home
home = Home.at(pathlib.Path(sys.argv[1]))
prune(home, place_of(home, "attic", sys.argv[2]), pathlib.Path(sys.argv[3]),
      Order(RetentionSettings(2, 0, 0, 0, 0), "r-0123456789ab"), datetime.datetime.fromisoformat(sys.argv[4]))
"""


def killed(rig: Rig, at: str) -> None:
    """A pruning killed (with everything it started) when restic is asked for ``at``, before or after that."""
    when, _, moment = at.partition("/")
    flag = rig.home.lib / "now"
    wait = f"touch {flag}; sleep 60"
    program = wrapper(rig, when, f'{rig.restic} "$@"; {wait}' if moment == "after" else wait)
    words = [sys.executable, "-c", _CHILD, str(rig.home.lib.parent), rig.place.url, str(program), LATER.isoformat()]
    child = start(words, env={"PYTHONPATH": os.environ["PYTHONPATH"]})
    until = time.monotonic() + 60
    while not flag.exists() and child.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    assert flag.exists()
    child.send_signal(signal.SIGKILL)
    child.wait()
    time.sleep(0.2)


@pytest.mark.root
@pytest.mark.parametrize("at", ["forget/before", "forget/after", "prune/before", "prune/after", "check/before"])
def test_killed_anywhere_the_next_run_ends_it(rig: Rig, at: str) -> None:
    every = ids(rig)
    killed(rig, at)
    assert load_known(rig.home, "attic").pruning == frozenset(every[:4])
    assert losses(rig.home, rig.place, rig.restic) == (), "no false loss"
    assert rig.backup().problems == (), "and backups go on"
    done = pruned(rig)
    assert (done.verdict, done.reason) == (Verdict.PASS, None)
    assert not there(rig) & set(every[:4]) and set(every[4:]) - there(rig) <= set(done.removed)
    well(rig)


@pytest.mark.root
def test_killed_and_then_held_nothing_more_goes_and_losses_are_seen_again(rig: Rig) -> None:
    every = ids(rig)
    killed(rig, "prune/before")
    save_watched(rig.home, Watched((Wrong("changes-gone", "300 of 400 files are gone", True),)))
    assert pruned(rig).verdict is Verdict.UNPROVEN
    assert load_known(rig.home, "attic").pruning is None
    rig.packs()[0].unlink()
    assert losses(rig.home, rig.place, rig.restic) and every


@pytest.mark.root
def test_a_reader_keeps_the_pruner_out(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stead.backup.pruning.WAIT", 0.2)
    with mount_cold(rig.home, rig.place, rig.restic, tmp_path / "mount"), pytest.raises(PlaceBusy):
        pruned(rig)


@pytest.mark.root
def test_another_credential_for_deleting(rig: Rig, tmp_path: Path) -> None:
    """The place's own address is a folder in which nothing can be deleted; the other one leads behind it."""
    every = ids(rig)
    file = tmp_path / "prune.env"
    file.write_text(f"RESTIC_REPOSITORY={rig.repository}\n")
    assert set(pruned(rig, replace(ORDER, credentials_file=file)).removed) == set(every[:4])
    other = tmp_path / "other"
    run([rig.restic, "init", "-r", other, "--password-file", rig.place.password_file], timeout=60)
    file.write_text(f"RESTIC_REPOSITORY={other}\n")
    fill_again = replace(ORDER, credentials_file=file, rule=replace(RULE, hourly=1))
    with pytest.raises(PlaceDamaged, match="another repository"):
        pruned(rig, fill_again)


ELSEWHERE = replace(ORDER, elsewhere=True, rule=RetentionSettings(2, 0, 0, 0, FOR_EVER))


@pytest.mark.root
def test_pruned_elsewhere_by_the_rule_is_no_loss(rig: Rig) -> None:
    every = ids(rig)
    first = pruned(rig, ELSEWHERE)
    assert first.verdict is Verdict.PASS and first.elsewhere and there(rig) == set(every)
    # The rule keeps what is of the last two hours, and the oldest of all.
    assert set(first.waiting) == set(every[1:4])
    restic = Restic(rig.restic, rig.place)
    words = ["--keep-within-hourly", "2h", "--keep-within-yearly", "100y"]
    run([*restic.words("forget", "--tag", "data", *words, "--prune", lock=True)], timeout=120, env=restic.env())
    assert there(rig) == set(every) - set(first.waiting)
    assert losses(rig.home, rig.place, rig.restic) == ()
    assert rig.backup().problems == ()
    again = pruned(rig, ELSEWHERE)
    assert again.verdict is Verdict.PASS and set(again.removed) == set(first.waiting)
    well(rig)


@pytest.mark.root
def test_more_than_the_rule_lets_go_is_a_loss_elsewhere_too(rig: Rig) -> None:
    every = ids(rig)
    pruned(rig, ELSEWHERE)
    for gone in (every[1], every[4]):
        (rig.repository / "snapshots" / gone).unlink()
    assert every[4][:8] in losses(rig.home, rig.place, rig.restic)[0]
    assert every[1][:8] not in losses(rig.home, rig.place, rig.restic)[0]
    done = pruned(rig, ELSEWHERE)
    assert done.verdict is Verdict.FAIL and every[4][:8] in str(done.reason)


@pytest.mark.root
def test_packs_that_went_with_the_rule_but_are_needed_are_damage(rig: Rig) -> None:
    every = ids(rig)
    pruned(rig, ELSEWHERE)
    (rig.repository / "snapshots" / every[1]).unlink()
    rig.packs()[0].unlink()
    assert pruned(rig, ELSEWHERE).verdict is Verdict.FAIL


def test_counting() -> None:
    before = frozenset("abcd")
    assert miscounted(before, frozenset("ab"), frozenset("cd"), ("x",)) == ()
    assert "1 snapshots were to go" in miscounted(before, frozenset("ab"), frozenset("bcd"), ("why",))[0]
    assert miscounted(before, frozenset("ab"), frozenset("bcd"), ("why",))[1] == "why"
    assert "gone that were to stay" in miscounted(before, frozenset("ab"), frozenset("c"))[0]
    assert "appeared" in miscounted(before, frozenset("ab"), frozenset("cde"))[0]


def test_while_pruning_packs_are_not_missed_and_other_snapshots_are() -> None:
    one, two = made(NOW), made(NOW - timedelta(hours=1))
    known = Known(snapshots=(one, two), packs=frozenset("p"), indexes=frozenset("i"), pruning=frozenset({two.id}))
    nothing = frozenset[str]()
    assert lost(known, nothing, frozenset({one.id}), nothing, NOW) == ()
    assert len(lost(known, nothing, frozenset({two.id}), nothing, NOW)) == 1
    assert len(lost(replace(known, pruning=None), nothing, frozenset({one.id, two.id}), nothing, NOW)) == 2
