from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stead.data import delete_picture, list_pictures, picture_with, take_picture, thin_pictures
from stead.run import run
from stead.words.errors import SteadError
from stead.words.home import Home

pytestmark = pytest.mark.root
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_a_picture_keeps_what_was_there_and_cannot_be_written(home: Home) -> None:
    mail = home.data / "mail"
    mail.write_text("one")
    picture = take_picture(home, NOW)
    mail.write_text("two")
    assert picture.name == "20260301T120000Z" and picture.taken_at == NOW
    assert (picture.path / "mail").read_text() == "one"
    with pytest.raises(OSError):
        (picture.path / "mail").write_text("three")


def test_two_pictures_in_one_second_both_exist(home: Home) -> None:
    first, second = take_picture(home, NOW), take_picture(home, NOW + timedelta(milliseconds=5))
    assert [p.path for p in list_pictures(home)] == [first.path, second.path]


def test_a_backup_picture_holds_the_hosts_files_and_appears_read_only(home: Home) -> None:
    (home.data / "mail").mkdir()
    picture = picture_with(home, {"inventory.json": b"{}"}, now=NOW)
    assert (picture.path / ".stead/inventory.json").read_bytes() == b"{}"
    assert (picture.path / ".stead").stat().st_uid == 0
    assert not (home.data / ".stead").exists()
    with pytest.raises(OSError):
        (picture.path / ".stead/more").write_text("x")
    assert run(["btrfs", "property", "get", "-t", "subvol", picture.path, "ro"], timeout=20).out.strip() == "ro=true"


def test_folders_not_saved_are_empty_in_the_picture_and_links_are_not_followed(home: Home, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    (home.data / "mail/cache/deep").mkdir(parents=True)
    (home.data / "mail/cache/deep/file").write_text("x")
    os.symlink(outside, home.data / "mail/cache/link")
    os.symlink(outside, home.data / "mail/evil")
    os.symlink(outside, home.data / ".stead")
    picture = picture_with(home, {"a": b"x"}, leave_out=["mail/cache", "mail/evil", "none"])
    assert list((picture.path / "mail/cache").iterdir()) == []
    assert sorted(p.name for p in outside.iterdir()) == ["precious"]
    assert (home.data / "mail/cache/deep/file").exists()


def test_a_failure_while_making_leaves_no_half_made_picture(home: Home) -> None:
    def fail(_path: Path) -> None:
        raise SteadError("no")

    with pytest.raises(SteadError):
        picture_with(home, {}, finish=fail)
    assert os.listdir(home.pictures) == []


def test_what_a_killed_maker_left_is_removed_and_a_live_makers_is_not(home: Home) -> None:
    gone = run(["sh", "-c", "echo $$"], timeout=10).out.strip()
    for maker in (gone, str(os.getpid())):
        run(["btrfs", "subvolume", "snapshot", home.data, home.pictures / f".making-{maker}-x"], timeout=20)
    thin_pictures(home, NOW)
    assert os.listdir(home.pictures) == [f".making-{os.getpid()}-x"]
    assert list_pictures(home) == ()


def test_a_picture_that_cannot_be_deleted_never_loses_the_others(home: Home) -> None:
    pictures = [take_picture(home, NOW - timedelta(days=40, minutes=n)) for n in range(15)]
    oldest = [p.path for p in sorted(pictures, key=lambda p: p.taken_at)]
    # the kernel refuses to delete a default subvolume
    run(["btrfs", "subvolume", "set-default", oldest[1]], timeout=20)
    thinned = thin_pictures(home, NOW)
    left = {p.path for p in list_pictures(home)}
    assert list(thinned.failed) == [oldest[1].name]
    assert oldest[1] in left and oldest[2] not in left and set(oldest[3:]) <= left


def test_only_pictures_of_this_home_are_deleted(home: Home, tmp_path: Path) -> None:
    picture = take_picture(home, NOW)
    with pytest.raises(SteadError):
        delete_picture(home, type(picture)("x", tmp_path, NOW))
    delete_picture(home, picture)
    assert list_pictures(home) == ()
