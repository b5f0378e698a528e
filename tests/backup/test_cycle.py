from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stead.backup import (
    PlaceDamaged,
    PlaceFull,
    PlaceUnreachable,
    WrongPassword,
    ensure_place,
    load_known,
    losses,
    missing_packs,
    snapshots,
)
from stead.backup.locks import writing
from stead.backup.restic import Restic, unlock
from stead.backup.troubles import PlaceBusy
from stead.run import run, start
from stead.words.errors import SteadError, UnprovenError
from stead.words.verdict import Verdict

from .conftest import Rig

pytestmark = pytest.mark.root


def test_a_backup_is_stored_listed_counted_and_remembered(rig: Rig) -> None:
    outcome = rig.backup()
    assert outcome.problems == () and outcome.verdict is Verdict.PASS
    assert outcome.files >= 54 and outcome.added < 50_000
    # Two within a second have one time: they are told apart by their ids.
    first, second = sorted(snapshots(Restic(rig.restic, rig.place)), key=lambda one: one.id == outcome.snapshot)
    assert second.id == outcome.snapshot and second.paths == ("/run/stead/data",) and second.tags == {"data"}
    known = load_known(rig.home, "attic")
    assert known.newest is not None and known.newest.inventory["mail"].parts == {"alice/INBOX": 50}
    assert known.expected_snapshots == {first.id, second.id}
    assert known.packs == {path.name for path in rig.packs()} and not known.busy
    assert losses(rig.home, rig.place, rig.restic) == ()


def test_nothing_is_left_mounted(rig: Rig) -> None:
    rig.backup()
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    assert "/run/stead/data" not in points
    assert not [point for point in points if Path(point).is_relative_to(rig.home.lib)]


def test_a_missing_source_is_no_backup(rig: Rig) -> None:
    picture = rig.picture()
    shutil.rmtree(picture.path)
    with pytest.raises(SteadError):
        rig.backup(picture)
    assert len(snapshots(Restic(rig.restic, rig.place))) == 1


def test_a_missing_service_folder_is_a_bad_backup(rig: Rig) -> None:
    before = rig.newest
    outcome = rig.backup(expected=("mail", "calendar"))
    assert outcome.verdict is Verdict.FAIL and "calendar" in outcome.problems[0]
    assert rig.newest == before != outcome.snapshot


def test_an_empty_source_is_a_bad_backup(rig: Rig) -> None:
    shutil.rmtree(rig.data / "mail/home")
    outcome = rig.backup()
    assert outcome.verdict is Verdict.FAIL
    assert any("mail held 50 files" in problem for problem in outcome.problems)


def test_files_that_vanish_are_noticed(rig: Rig) -> None:
    picture = rig.picture()
    (picture.path / "mail/home/alice/Maildir/cur/7.host:2,S").unlink()
    outcome = rig.backup(picture)
    assert outcome.verdict is Verdict.FAIL and "the picture holds" in outcome.problems[0]


def test_a_backup_over_a_lost_pack_is_a_bad_backup(rig: Rig) -> None:
    lost = rig.packs()[0]
    lost.unlink()
    assert missing_packs(rig.home, rig.place, rig.restic) == {lost.name}
    outcome = rig.backup()
    assert outcome.verdict is Verdict.FAIL and lost.name[:8] in " ".join(outcome.problems)


def test_a_lost_snapshot_is_noticed(rig: Rig) -> None:
    first = rig.newest
    (rig.repository / "snapshots" / first).unlink()
    assert any(first[:8] in problem for problem in rig.backup().problems)


def test_a_wrong_password_is_unproven_and_says_what_to_do(rig: Rig) -> None:
    rig.place.password_file.write_text("wrong\n")
    with pytest.raises(WrongPassword) as refused:
        rig.backup()
    assert isinstance(refused.value, UnprovenError) and refused.value.hint
    rig.place.password_file.unlink()
    with pytest.raises(WrongPassword):
        rig.backup()


def test_a_disk_that_is_not_plugged_in_is_unproven(rig: Rig) -> None:
    rig.repository.rename(rig.repository.with_name("away"))
    with pytest.raises(PlaceUnreachable):
        rig.backup()
    rig.repository.mkdir()
    with pytest.raises(PlaceUnreachable):
        rig.backup()
    assert list(rig.repository.iterdir()) == []


@pytest.mark.parametrize("what", ["config", "keys"])
def test_a_place_without_its_config_or_keys_is_damaged(rig: Rig, what: str) -> None:
    if what == "config":
        (rig.repository / what).unlink()
    else:
        for key in (rig.repository / what).iterdir():
            key.unlink()
    with pytest.raises(PlaceDamaged):
        rig.backup()


def test_another_repository_at_the_same_address_is_noticed(rig: Rig) -> None:
    shutil.rmtree(rig.repository)
    env = {"RESTIC_REPOSITORY": str(rig.repository), "RESTIC_PASSWORD_FILE": str(rig.place.password_file)}
    run([rig.restic, "init", "--quiet"], timeout=60, env=env)
    with pytest.raises(PlaceDamaged, match="another repository"):
        rig.backup()


def test_a_full_place_is_said_to_be_full(rig: Rig, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small], timeout=20)
    try:
        rig.place, _ = ensure_place(rig.home, "small", str(small / "place"), rig.restic)
        with pytest.raises(PlaceFull):
            rig.backup()
    finally:
        run(["umount", small], timeout=20)


def test_two_backups_at_once_wait_for_each_other(rig: Rig) -> None:
    with writing(rig.home, rig.place), pytest.raises(PlaceBusy), writing(rig.home, rig.place, wait=0.3):
        pass


def test_the_command_line_tells_nothing(rig: Rig) -> None:
    restic = Restic(rig.restic, rig.place)
    line = " ".join(restic.guarded(restic.words("backup", "x")))
    assert str(rig.repository) not in line and rig.place.password_file.read_text().strip() not in line
    assert os.stat(rig.place.password_file).st_mode & 0o777 == 0o600


def test_a_killed_backup_leaves_nothing_in_the_way_of_the_next(rig: Rig, tmp_path: Path) -> None:
    (rig.data / "files/big").write_bytes(os.urandom(60_000_000))
    rig.picture()
    script = tmp_path / "child.py"
    script.write_text(_CHILD.format(home=str(tmp_path / "home"), attic=str(rig.repository), restic=str(rig.restic)))
    child = start([sys.executable, script], env={"PYTHONPATH": os.pathsep.join(sys.path)})
    _wait_for(lambda: bool(_locks(rig.repository)))
    child.kill()
    child.wait()
    assert load_known(rig.home, "attic").busy
    # restic was asked to end when its parent died: nobody goes on writing into the place behind our back
    _wait_for(lambda: not _restics(rig.repository))
    outcome = rig.backup(rig.picture("20260301T130000Z-backup"))
    assert outcome.problems == () and not load_known(rig.home, "attic").busy
    assert _locks(rig.repository) == []


def test_a_lock_of_a_dead_process_is_removed_and_a_live_one_is_not(rig: Rig) -> None:
    env = Restic(rig.restic, rig.place).env()
    (rig.data / "files/big").write_bytes(os.urandom(30_000_000))
    holder = start([rig.restic, "backup", rig.data, "--no-cache", "--limit-upload", "1000"], env=env)
    try:
        _wait_for(lambda: bool(_locks(rig.repository)))
        unlock(Restic(rig.restic, rig.place))
        assert len(_locks(rig.repository)) == 1
    finally:
        holder.kill()
        holder.wait()
    unlock(Restic(rig.restic, rig.place))
    assert _locks(rig.repository) == []


_CHILD = """
from datetime import UTC, datetime
from pathlib import Path
from stead.backup import place_of, run_backup
from stead.words.home import Home
from stead.words.picture import Picture
from stead.words.progress import Silent

home = Home.at(Path({home!r}))
path = home.lib / "pictures/20260301T120000Z-backup"
run_backup(
    home, place_of(home, "attic", {attic!r}), Path({restic!r}), Picture("x", path, datetime.now(UTC)),
    inventory={{}}, release="r", progress=Silent(),
)
"""


def _locks(repository: Path) -> list[Path]:
    """Whole ones: a lock that is being written has another name, and whoever is killed then leaves that."""
    return [lock for lock in (repository / "locks").iterdir() if "-tmp-" not in lock.name]


def _restics(repository: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"RESTIC_REPOSITORY={repository}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append(process.name)
        except OSError:
            continue
    return found


def _wait_for(done: Callable[[], bool], within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
