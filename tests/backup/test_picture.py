"""The two rooms together: a real picture of a real volume into a real place and back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from stead.backup import (
    compare_with_manifest,
    ensure_place,
    ensure_release_in_place,
    load_known,
    manifest_maker,
    mount_cold,
    run_backup,
    snapshots,
)
from stead.backup.restic import Restic
from stead.data import delete_picture, ensure_volume, list_pictures, picture_with, unmount
from stead.run import run
from stead.words.home import Home
from stead.words.progress import Silent
from stead.words.verdict import Verdict

pytestmark = pytest.mark.root


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    if os.geteuid():
        pytest.skip("needs root")
    home = Home.at(tmp_path / "home")
    ensure_volume(home, size=512_000_000)
    yield home
    unmount(home)


def test_a_picture_goes_into_a_place_and_is_read_back_cold(home: Home, restic: Path, tmp_path: Path) -> None:
    (home.data / "mail/cur").mkdir(parents=True)
    for number in range(200):
        (home.data / f"mail/cur/{number}").write_text(f"{number}")
    place, _ = ensure_place(home, "attic", str(tmp_path / "attic"), restic)
    for name in ("first", "second"):
        (home.data / "mail/cur" / name).write_text(name)
        picture = picture_with(home, {"inventory.json": b"{}"}, finish=manifest_maker())
        outcome = run_backup(
            home, place, restic, picture, inventory={}, release="r-0", progress=Silent(), expected=["mail"]
        )
        delete_picture(home, picture)
        assert outcome.problems == () and outcome.verdict is Verdict.PASS
    assert list_pictures(home) == ()
    known = load_known(home, "attic").newest
    assert known is not None and outcome.snapshot == known.id and outcome.added < 40_000
    with mount_cold(home, place, restic, tmp_path / "cold") as mounted:
        data = mounted.data(known.id)
        assert (data / ".stead/inventory.json").read_bytes() == b"{}"
        compared = compare_with_manifest(data, digest=known.manifest)
        assert compared.problems == () and compared.files == 203


def test_a_subvolume_made_inside_data_is_not_silently_left_out(home: Home, restic: Path, tmp_path: Path) -> None:
    (home.data / "files").mkdir()
    run(["btrfs", "subvolume", "create", home.data / "files/hidden"], timeout=20)
    (home.data / "files/hidden/precious").write_text("x")
    place, _ = ensure_place(home, "attic", str(tmp_path / "attic"), restic)
    picture = picture_with(home, {}, finish=manifest_maker())
    outcome = run_backup(home, place, restic, picture, inventory={}, release="r-0", progress=Silent())
    assert outcome.verdict is Verdict.FAIL and "files/hidden" in " ".join(outcome.problems)


def test_a_release_is_put_into_the_place_once(home: Home, restic: Path, tmp_path: Path) -> None:
    tree = tmp_path / "r-0/tree"
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/program").write_bytes(os.urandom(100_000))
    os.chown(tree / "usr/bin/program", 524288, 524288)
    manifest = tmp_path / "r-0/manifest.jsonl"
    manifest.write_text("{}\n")
    place, _ = ensure_place(home, "attic", str(tmp_path / "attic"), restic)
    ids = {
        ensure_release_in_place(
            home, place, restic, "r-0", tree=tree, files={"manifest.jsonl": manifest}, progress=Silent()
        )
        for _ in range(2)
    }
    [listed] = snapshots(Restic(restic, place))
    assert ids == {listed.id} and listed.tags == {"release", "r-0"}
    with mount_cold(home, place, restic, tmp_path / "cold") as mounted:
        folder = mounted.release(listed.id)
        assert (folder / "tree/usr/bin/program").read_bytes() == (tree / "usr/bin/program").read_bytes()
        assert (folder / "tree/usr/bin/program").stat().st_uid == 524288
        assert (folder / "manifest.jsonl").read_text() == "{}\n"
    (tmp_path / "attic/snapshots" / listed.id).unlink()
    again = ensure_release_in_place(
        home, place, restic, "r-0", tree=tree, files={"manifest.jsonl": manifest}, progress=Silent()
    )
    assert again != listed.id
