from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from stead.backup import (
    NoDisk,
    NoFuse,
    NoSuchSnapshot,
    PlaceDamaged,
    PlaceUnreachable,
    WrongPassword,
    compare_with_manifest,
    damage,
    load_known,
    missing_packs,
    mount_cold,
    require_fuse,
    require_snapshot,
    restore_cold,
)
from stead.backup.restic import Restic, ask
from stead.run import mounted, run, start
from stead.words.progress import Silent

from .conftest import Rig, damage_file

pytestmark = pytest.mark.root
PHOTO = "files/home/alice/photo"
MAIL = "mail/home/alice/Maildir/cur/7.host:2,S"


def restore(rig: Rig, target: Path) -> Path:
    return restore_cold(rig.home, rig.place, rig.restic, rig.newest, target=target, progress=Silent()).path


def test_what_is_mounted_is_what_was_there_with_its_owners(rig: Rig, tmp_path: Path) -> None:
    point = tmp_path / "cold"
    with mount_cold(rig.home, rig.place, rig.restic, point) as place:
        data = place.data(rig.newest)
        assert (data / PHOTO).read_bytes() == (rig.data / PHOTO).read_bytes()
        assert (data / "mail").stat().st_uid == 524902
        compared = compare_with_manifest(data, digest=known_digest(rig))
        assert compared.problems == () and compared.files == 53 and place.errors() == ()
    assert not mounted(point) and not point.exists() and sorted(os.listdir(tmp_path)) == ["attic", "data", "home"]


def known_digest(rig: Rig) -> str:
    newest = load_known(rig.home, "attic").newest
    assert newest is not None
    return newest.manifest


def test_a_mount_that_is_still_used_is_taken_away_too(rig: Rig, tmp_path: Path) -> None:
    point = tmp_path / "cold"
    with mount_cold(rig.home, rig.place, rig.restic, point) as place:
        handle = os.open(place.data(rig.newest), os.O_RDONLY)
    os.close(handle)
    assert not mounted(point)


def test_a_missing_pack_is_an_error_for_the_reader_and_named(rig: Rig, tmp_path: Path) -> None:
    pack = rig.packs()[0]
    pack.unlink()
    assert missing_packs(rig.home, rig.place, rig.restic) == {pack.name}
    with mount_cold(rig.home, rig.place, rig.restic, tmp_path / "cold") as place:
        with pytest.raises(OSError):
            (place.data(rig.newest) / PHOTO).read_bytes()
        assert any(pack.name[:8] in error for error in place.errors())
    assert pack.name[:8] in damage(rig.home, rig.place, rig.restic)[0]
    with pytest.raises(PlaceDamaged):
        restore(rig, tmp_path / "back")


def test_a_missing_metadata_pack_is_found_though_the_cache_still_has_it(rig: Rig, tmp_path: Path) -> None:
    warm = Restic(rig.restic, rig.place, rig.home.lib / "cache/restic")
    rig.packs()[-1].unlink()
    assert rig.newest in ask(warm, "ls", rig.newest).out, "restic itself notices nothing"
    with (
        mount_cold(rig.home, rig.place, rig.restic, tmp_path / "cold") as place,
        pytest.raises(PlaceDamaged, match="pack"),
    ):
        place.data(rig.newest)
    with pytest.raises(PlaceDamaged):
        restore(rig, tmp_path / "back")


def test_a_damaged_pack_is_an_error_for_the_reader_and_named_afterwards(rig: Rig, tmp_path: Path) -> None:
    pack = rig.packs()[0]
    damage_file(pack, at=pack.stat().st_size // 2)
    with mount_cold(rig.home, rig.place, rig.restic, tmp_path / "cold") as place:
        compared = compare_with_manifest(place.data(rig.newest))
    assert compared.differences and "Input/output error" in compared.problems[0]
    assert pack.name[:8] in damage(rig.home, rig.place, rig.restic)[0]
    with pytest.raises(PlaceDamaged, match="ciphertext verification failed"):
        restore(rig, tmp_path / "back")


def test_a_damaged_metadata_pack_hides_folders_and_is_noticed(rig: Rig, tmp_path: Path) -> None:
    damage_file(rig.packs()[-1])
    with mount_cold(rig.home, rig.place, rig.restic, tmp_path / "cold") as place:
        try:
            assert compare_with_manifest(place.data(rig.newest)).differences
        except PlaceDamaged:
            pass
    assert "damaged" in damage(rig.home, rig.place, rig.restic)[0]


def test_a_missing_index_mounts_well_and_is_noticed_all_the_same(rig: Rig, tmp_path: Path) -> None:
    for index in (rig.repository / "index").iterdir():
        index.unlink()
    with mount_cold(rig.home, rig.place, rig.restic, tmp_path / "cold") as place, pytest.raises(PlaceDamaged):
        place.data(rig.newest)
    assert "indexes" in damage(rig.home, rig.place, rig.restic)[0]


def test_a_damaged_index_that_a_warm_cache_hides_is_noticed(rig: Rig, tmp_path: Path) -> None:
    for index in (rig.repository / "index").iterdir():
        damage_file(index, at=40)
    with pytest.raises(PlaceDamaged), mount_cold(rig.home, rig.place, rig.restic, tmp_path / "cold"):
        pass
    assert not (tmp_path / "cold").exists()


def test_a_snapshot_that_is_gone_is_noticed(rig: Rig, tmp_path: Path) -> None:
    (rig.repository / "snapshots" / rig.newest).unlink()
    with mount_cold(rig.home, rig.place, rig.restic, tmp_path / "cold") as place, pytest.raises(PlaceDamaged):
        place.data(rig.newest)
    with pytest.raises(PlaceDamaged):
        restore(rig, tmp_path / "back")


def test_a_snapshot_that_never_was_is_unproven(rig: Rig, tmp_path: Path) -> None:
    assert require_snapshot(rig.home, rig.place, rig.newest[:8]) == rig.newest
    with pytest.raises(NoSuchSnapshot):
        require_snapshot(rig.home, rig.place, "abcdef12")
    with mount_cold(rig.home, rig.place, rig.restic, tmp_path / "cold") as place, pytest.raises(NoSuchSnapshot):
        place.data("a" * 64)


def test_unreachable_and_wrong_password_are_unproven_and_leave_nothing(rig: Rig, tmp_path: Path) -> None:
    right = rig.place.password_file.read_text()
    rig.place.password_file.write_text("wrong\n")
    with pytest.raises(WrongPassword), mount_cold(rig.home, rig.place, rig.restic, tmp_path / "cold"):
        pass
    rig.place.password_file.write_text(right)
    rig.repository.rename(tmp_path / "away")
    with pytest.raises(PlaceUnreachable), mount_cold(rig.home, rig.place, rig.restic, tmp_path / "cold"):
        pass
    assert not (tmp_path / "cold").exists()


def test_no_fuse_is_unproven_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    require_fuse()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoFuse) as refused:
        require_fuse()
    assert refused.value.hint == "install the package fuse3"


def test_the_mount_goes_away_when_its_program_is_killed(rig: Rig, tmp_path: Path) -> None:
    point = tmp_path / "cold"
    script = tmp_path / "child.py"
    script.write_text(
        "import sys, time\nfrom pathlib import Path\nfrom stead.backup import mount_cold, place_of\n"
        "from stead.words.home import Home\nhome = Home.at(Path(sys.argv[1]))\n"
        "place = place_of(home, 'attic', sys.argv[2])\n"
        "with mount_cold(home, place, Path(sys.argv[3]), Path(sys.argv[4])):\n    time.sleep(60)\n"
    )
    words: list[str | Path] = [sys.executable, script, tmp_path / "home", rig.repository, rig.restic, point]
    child = start(words, env={"PYTHONPATH": os.pathsep.join(sys.path)})
    for wanted in (True, False):
        deadline = time.monotonic() + 20
        while mounted(point) is not wanted:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        child.kill()
        child.wait()


def test_a_restore_is_compared_byte_for_byte(rig: Rig, tmp_path: Path) -> None:
    back = restore(rig, tmp_path / "back")
    assert compare_with_manifest(back, digest=known_digest(rig)).problems == ()
    content = bytearray((back / PHOTO).read_bytes())
    content[1_000_000] ^= 1
    times = (back / PHOTO).stat()
    (back / PHOTO).write_bytes(content)
    os.utime(back / PHOTO, ns=(times.st_atime_ns, times.st_mtime_ns))
    (back / MAIL).unlink()
    os.chown(back / "mail", 0, 0)
    (back / "files/extra").write_text("x")
    problems = " | ".join(compare_with_manifest(back).problems)
    for words in (f"{PHOTO}: its content", f"{MAIL}: No such", "mail: mode or owner", "files/extra: was not there"):
        assert words in problems


def test_a_restore_over_older_files_is_refused(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "back").mkdir()
    (tmp_path / "back/old").touch()
    with pytest.raises(Exception, match="not empty"):
        restore(rig, tmp_path / "back")


def test_no_room_for_a_restore_is_unproven(rig: Rig, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    # too small by the numbers; big enough by the numbers and full all the same
    for options in ("size=1m", "size=20m,nr_inodes=20"):
        run(["mount", "-t", "tmpfs", "-o", options, "none", small], timeout=20)
        try:
            with pytest.raises(NoDisk):
                restore(rig, small / "back")
        finally:
            run(["umount", small], timeout=20)


def test_one_folder_can_be_restored_alone(rig: Rig, tmp_path: Path) -> None:
    back = restore_cold(
        rig.home, rig.place, rig.restic, rig.newest, target=tmp_path / "one", progress=Silent(), include=["files/home"]
    )
    assert (back.path / PHOTO).read_bytes() == (rig.data / PHOTO).read_bytes()
    assert not (back.path / "mail").exists()


def test_a_restore_that_was_cut_off_goes_on(rig: Rig) -> None:
    snapshot = rig.backup().snapshot
    assert snapshot is not None
    target = rig.home.lib / "back"
    first = restore_cold(rig.home, rig.place, rig.restic, snapshot, target=target, progress=Silent())
    files = sorted(path for path in first.path.rglob("*") if path.is_file())
    files[3].unlink()
    files[5].write_bytes(b"half of it")
    restore_cold(rig.home, rig.place, rig.restic, snapshot, target=target, progress=Silent(), resume=True)
    assert compare_with_manifest(first.path).problems == ()
