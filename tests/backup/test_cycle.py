from __future__ import annotations

import os
import shutil
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
from stead.backup.restic import Restic
from stead.backup.troubles import PlaceBusy
from stead.run import run
from stead.words.errors import SteadError, UnprovenError
from stead.words.verdict import Verdict

from .conftest import Rig, damage_file

pytestmark = pytest.mark.root


def test_a_backup_is_stored_listed_counted_and_remembered(rig: Rig) -> None:
    outcome = rig.backup()
    assert outcome.problems == () and outcome.verdict is Verdict.PASS
    assert outcome.snapshot is not None and outcome.files >= 54
    [listed] = snapshots(Restic(rig.restic, rig.place))
    assert listed.id == outcome.snapshot and listed.paths == ("/run/stead/data",) and listed.tags == {"data"}
    known = load_known(rig.home, "attic")
    assert known.newest is not None and known.newest.id == outcome.snapshot
    assert known.newest.inventory["mail"].parts == {"alice/INBOX": 50}
    assert known.packs == {path.name for path in rig.packs()} and not known.busy
    assert losses(rig.home, rig.place, rig.restic) == ()


def test_nothing_is_left_mounted_and_the_next_backup_sends_little(rig: Rig) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    rig.backup()
    again = rig.backup(rig.picture())
    assert again.verdict is Verdict.PASS and again.added < 50_000
    assert Path("/proc/self/mountinfo").read_text() == before


def test_a_missing_source_is_no_backup(rig: Rig) -> None:
    picture = rig.picture()
    shutil.rmtree(picture.path)
    with pytest.raises(SteadError):
        rig.backup(picture)
    assert snapshots(Restic(rig.restic, rig.place)) == ()


def test_a_missing_service_folder_is_a_bad_backup(rig: Rig) -> None:
    outcome = rig.backup(expected=("mail", "calendar"))
    assert outcome.verdict is Verdict.FAIL and "calendar" in outcome.problems[0]
    assert load_known(rig.home, "attic").newest is None


def test_an_empty_source_is_a_bad_backup(rig: Rig) -> None:
    rig.backup()
    shutil.rmtree(rig.data / "mail/home")
    outcome = rig.backup()
    assert outcome.verdict is Verdict.FAIL
    assert any("mail held 50 files" in problem for problem in outcome.problems)
    shutil.rmtree(rig.data)
    rig.data.mkdir()
    assert rig.backup(expected=()).verdict is Verdict.FAIL


def test_files_that_vanish_are_noticed(rig: Rig) -> None:
    picture = rig.picture()
    (picture.path / "mail/home/alice/Maildir/cur/7.host:2,S").unlink()
    outcome = rig.backup(picture)
    assert outcome.verdict is Verdict.FAIL and "the picture holds" in outcome.problems[0]


def test_a_backup_over_a_lost_pack_is_a_bad_backup(rig: Rig) -> None:
    rig.backup()
    lost = rig.packs()[0]
    lost.unlink()
    assert missing_packs(rig.home, rig.place, rig.restic) == {lost.name}
    outcome = rig.backup()
    assert outcome.verdict is Verdict.FAIL and lost.name[:8] in " ".join(outcome.problems)


def test_a_lost_snapshot_is_noticed(rig: Rig) -> None:
    first = rig.backup().snapshot
    assert first is not None
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
    rig.backup()
    rig.repository.rename(rig.repository.with_name("away"))
    with pytest.raises(PlaceUnreachable):
        rig.backup()
    rig.repository.mkdir()
    with pytest.raises(PlaceUnreachable):
        rig.backup()
    assert list(rig.repository.iterdir()) == []


@pytest.mark.parametrize("what", ["config", "keys"])
def test_a_place_without_its_config_or_keys_is_damaged(rig: Rig, what: str) -> None:
    rig.backup()
    if what == "config":
        (rig.repository / what).unlink()
    else:
        for key in (rig.repository / what).iterdir():
            key.unlink()
    with pytest.raises(PlaceDamaged):
        rig.backup()


def test_another_repository_at_the_same_address_is_noticed(rig: Rig) -> None:
    rig.backup()
    shutil.rmtree(rig.repository)
    env = {"RESTIC_REPOSITORY": str(rig.repository), "RESTIC_PASSWORD_FILE": str(rig.place.password_file)}
    run([rig.restic, "init", "--quiet"], timeout=60, env=env)
    with pytest.raises(PlaceDamaged, match="another repository"):
        rig.backup()


def test_a_damaged_index_is_a_bad_answer(rig: Rig) -> None:
    rig.backup()
    for index in (rig.repository / "index").iterdir():
        damage_file(index, at=40)
    with pytest.raises(PlaceDamaged):
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
