"""A manifest brought up to date by what btrfs says was written is the one a walk of everything makes."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stead.backup import carry_manifest, compare_with_manifest, making, manifest_maker, read_manifest
from stead.backup.walking import FOLDER
from stead.data import delete_picture, ensure_volume, picture_with, unmount
from stead.run import run
from stead.words.home import Home
from stead.words.picture import Picture

pytestmark = pytest.mark.root


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    if os.geteuid():
        pytest.skip("needs root")
    home = Home.at(tmp_path / "home")
    ensure_volume(home, size=512_000_000)
    yield home
    unmount(home)


def pictured(home: Home, leave_out: tuple[str, ...] = ()) -> Picture:
    picture = picture_with(home, {"a": b"x"}, leave_out=leave_out, finish=manifest_maker(leave_out))
    carry_manifest(picture.path, home.data)
    return picture


def rows(root: Path) -> list[object]:
    return list(read_manifest(root))


def walked(picture: Picture, tmp_path: Path) -> list[object]:
    """The manifest that a walk of the picture makes, in a copy of which only the manifest is empty."""
    copy = picture.path.with_name("walked")
    run(["btrfs", "subvolume", "snapshot", picture.path, copy], timeout=60)
    try:
        for file in (copy / FOLDER).iterdir():
            file.unlink()
        making.write_manifest(copy)
        return rows(copy)
    finally:
        run(["btrfs", "subvolume", "delete", copy], timeout=60)


def change(data: Path, dice: random.Random) -> None:
    """One random change, of the kinds that mail, files and calendars make."""
    folders = [Path(path) for path, _, _ in os.walk(data) if ".stead" not in path]
    folder = dice.choice(folders)
    files = [one for one in folder.iterdir() if one.is_file() and not one.is_symlink()]
    what = dice.randrange(9)
    fresh = f"n{dice.randrange(10**9)}"
    if what == 0 or not files:
        (folder / fresh).write_bytes(dice.randbytes(dice.choice((10, 5000, 200_000))))
    elif what == 1:
        dice.choice(files).unlink()
    elif what == 2:
        dice.choice(files).rename(folder / fresh)
    elif what == 3:
        with dice.choice(files).open("r+b") as file:
            file.write(dice.randbytes(4))
    elif what == 4:
        (folder / fresh).mkdir()
        (folder / fresh / "in it").write_bytes(b"1")
    elif what == 5 and folder != data:
        target = dice.choice(folders)
        if folder not in (target, *target.parents):
            folder.rename(target / fresh)
    elif what == 6 and folder != data and len(folders) > 20:
        shutil.rmtree(folder)
    elif what == 7:
        one, other = dice.choice(files), dice.choice(files)
        os.replace(one, other)
    else:
        os.link(dice.choice(files), dice.choice(folders) / fresh)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_followed_is_what_a_walk_finds(
    home: Home, seed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dice = random.Random(seed)
    for number in range(40):
        (home.data / f"f{number % 7}/g{number % 3}").mkdir(parents=True, exist_ok=True)
        for inner in range(60):
            (home.data / f"f{number % 7}/g{number % 3}/{number}-{inner}").write_bytes(b"%d" % inner)
    delete_picture(home, pictured(home))
    walks: list[int] = []
    real = making._walked

    def counted(*words: Any) -> Any:
        walks.append(1)
        return real(*words)

    monkeypatch.setattr(making, "_walked", counted)
    for _ in range(8):
        for _ in range(dice.randrange(25)):
            change(home.data, dice)
        picture = pictured(home)
        assert walks == [], "it was walked, not followed"
        assert rows(picture.path) == walked(picture, tmp_path)
        assert compare_with_manifest(picture.path).problems == ()
        walks.clear()
        delete_picture(home, picture)


def test_a_folder_that_is_left_out_no_longer_is_in_the_next_manifest(home: Home) -> None:
    (home.data / "mail/cache").mkdir(parents=True)
    (home.data / "mail/cache/1").write_text("x")
    for leave_out, there in ((("mail/cache",), False), ((), True), (("mail/cache",), False)):
        picture = pictured(home, leave_out)
        assert ("mail/cache/1" in {entry.path for entry in read_manifest(picture.path)}) is there
        assert compare_with_manifest(picture.path).problems == ()
        delete_picture(home, picture)
    assert (home.data / "mail/cache/1").exists()


def test_a_subvolume_that_comes_later_is_seen(home: Home) -> None:
    delete_picture(home, pictured(home))
    run(["btrfs", "subvolume", "create", home.data / "hidden"], timeout=20)
    picture = pictured(home)
    assert {entry.path: entry.type for entry in read_manifest(picture.path)}["hidden"] == "subvolume"
    delete_picture(home, picture)
    run(["btrfs", "subvolume", "delete", home.data / "hidden"], timeout=20)


def test_a_manifest_of_another_tree_is_not_followed(home: Home) -> None:
    (home.data / "one").write_text("1")
    delete_picture(home, pictured(home))
    other = home.data_mount / "other"
    run(["btrfs", "subvolume", "snapshot", home.data, other], timeout=20)
    home.data.rename(home.data_mount / "aside")
    other.rename(home.data)
    (home.data / "one").write_text("2")
    picture = pictured(home)
    assert compare_with_manifest(picture.path).problems == ()
    delete_picture(home, picture)
