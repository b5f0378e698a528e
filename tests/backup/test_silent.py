"""Every "success" of restic that is none, against our judgement alone.

Fast, so that ``test_planted`` can take out each check in turn.
The same successes made by a real restic are in ``test_cycle`` and ``test_cold``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from stead.backup import NoDisk, PlaceDamaged, Summary
from stead.backup.compare import compare_with_manifest
from stead.backup.cycle import _judge, _source_problems, lost
from stead.backup.known import Known, KnownSnapshot, save_known
from stead.backup.making import write_manifest
from stead.backup.manifest import manifest_digest
from stead.backup.place import Place
from stead.backup.restic import Restic
from stead.backup.restoring import judge as judge_restore
from stead.backup.work import Ended, work
from stead.run import run
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.picture import Picture
from stead.words.progress import Silent

from .conftest import NOW, Rig

PACK, SNAPSHOT, INDEX, NEW = ("1" * 64, "2" * 64, "3" * 64, "4" * 64)
SUMMARY = Summary(3, 30, {"mail": 2, ".stead": 1}, "digest")
STORED = {"total_files_processed": 3, "total_bytes_processed": 30, "snapshot_id": NEW}
BACK = {"total_files": 3, "files_restored": 3, "total_bytes": 30, "bytes_restored": 30}


class Case:
    """A place that is only files, and what one backup to it came to."""

    def __init__(self, folder: Path) -> None:
        self.home = Home.at(folder / "home")
        self.place = Place("attic", str(folder / "attic"), folder / "password")
        for name in (f"data/11/{PACK}", f"snapshots/{SNAPSHOT}", f"snapshots/{NEW}", f"index/{INDEX}"):
            self.file(name).parent.mkdir(parents=True, exist_ok=True)
            self.file(name).write_text("x")
        one = KnownSnapshot(SNAPSHOT, NOW, 3, 30, {"mail": 2, ".stead": 1}, {}, "r", "m", good=True)
        self.known = Known("id", (one,), frozenset({PACK}), frozenset({INDEX}))
        save_known(self.home, "attic", self.known)
        self.picture = Picture("p", folder / "picture", NOW, for_backup=True)
        (self.picture.path / "mail").mkdir(parents=True)

    def file(self, name: str) -> Path:
        assert self.place.folder is not None
        return self.place.folder / name

    def judged(self, ended: Ended, snapshot: str | None = NEW) -> tuple[str, ...]:
        return _judge(self.home, Restic(Path("/bin/false"), self.place), ended, SUMMARY, snapshot)[1]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def ended(code: int = 0, errors: tuple[str, ...] = (), summary: dict[str, object] | None = None) -> Ended:
    return Ended(code, {**STORED, **(summary or {})}, errors, "")


def test_a_good_backup_is_good(case: Case) -> None:
    known, problems = _judge(case.home, Restic(Path("/bin/false"), case.place), ended(), SUMMARY, NEW)
    assert problems == () and known.packs == {PACK} and known.indexes == {INDEX}
    assert _source_problems(case.picture, SUMMARY, ["mail"], case.known) == ()


def test_what_a_backup_adds_is_expected_from_then_on(case: Case) -> None:
    case.file(f"data/11/{'a' * 64}").write_text("x")
    case.file(f"index/{'b' * 64}").write_text("x")
    known, _ = _judge(case.home, Restic(Path("/bin/false"), case.place), ended(), SUMMARY, NEW)
    assert "a" * 64 in known.packs and "b" * 64 in known.indexes


def test_error_lines_and_exit_codes_count(case: Case) -> None:
    assert case.judged(ended(errors=("cannot read",))) == ("cannot read",)
    assert case.judged(ended(3)) == ("restic ended with code 3",)
    assert case.judged(ended(3, ("cannot read",))) == ("cannot read",)


@pytest.mark.parametrize("what", [{"total_files_processed": 2}, {"total_bytes_processed": 29}])
def test_fewer_files_or_bytes_than_in_the_picture(case: Case, what: dict[str, object]) -> None:
    assert "the picture holds 3 (30)" in case.judged(ended(summary=what))[0]


@pytest.mark.parametrize(
    ("gone", "noun"),
    [(f"data/11/{PACK}", "packs"), (f"snapshots/{SNAPSHOT}", "snapshots"), (f"index/{INDEX}", "indexes")],
)
def test_things_gone_from_the_place(case: Case, gone: str, noun: str) -> None:
    case.file(gone).unlink()
    assert noun in case.judged(ended())[0]


def test_a_new_snapshot_that_is_not_there(case: Case) -> None:
    case.file(f"snapshots/{NEW}").unlink()
    assert case.judged(ended()) == ("the new snapshot is not in the place",)
    assert case.judged(ended(), None) == ()


def test_lost_names_what_is_gone() -> None:
    assert lost(Known(packs=frozenset({PACK})), frozenset({PACK}), frozenset(), frozenset()) == ()
    assert PACK[:8] in lost(Known(packs=frozenset({PACK})), frozenset(), frozenset(), frozenset())[0]


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        (replace(SUMMARY, problems=("x is a subvolume",)), "x is a subvolume"),
        (replace(SUMMARY, folders={".stead": 1}), "the picture is empty"),
        (replace(SUMMARY, folders={}), "the picture is empty"),
        (replace(SUMMARY, folders={"files": 1}), "mail held 2 files"),
    ],
)
def test_a_source_that_is_not_what_it_was(case: Case, summary: Summary, words: str) -> None:
    assert words in " ".join(_source_problems(case.picture, summary, ["mail"], case.known))


def test_a_missing_folder_of_a_service(case: Case) -> None:
    assert _source_problems(case.picture, SUMMARY, ["mail", "calendar"], case.known) == (
        "the folder calendar is missing in data",
    )


def restored(code: int = 0, errors: tuple[str, ...] = (), stderr: str = "", **summary: object) -> Callable[[], None]:
    return lambda: judge_restore(
        Place("attic", "/x", Path("/x")), SNAPSHOT, Ended(code, {**BACK, **summary}, errors, stderr)
    )


@pytest.mark.parametrize(
    ("act", "noun", "words"),
    [
        (restored(1, ("x: no space left on device",)), NoDisk, "full"),
        (restored(0, ("x: disk quota exceeded",)), NoDisk, "full"),
        (restored(1), PlaceDamaged, "code 1"),
        (restored(0, ("pack broken",)), PlaceDamaged, "pack broken"),
        (restored(files_restored=2), PlaceDamaged, "2 of 3"),
        (restored(bytes_restored=29), PlaceDamaged, "29 of 30"),
        (restored(files_skipped=1), PlaceDamaged, "skipped"),
        (lambda: judge_restore(Place("a", "/x", Path("/x")), SNAPSHOT, Ended(0, {}, (), "")), PlaceDamaged, "account"),
        (restored(11, ("locked",), "unable to create lock"), SteadError, "attic"),
    ],
)
def test_a_restore_that_is_none(act: Callable[[], None], noun: type[SteadError], words: str) -> None:
    with pytest.raises(noun, match=words) as refused:
        act()
    assert noun is not SteadError or not isinstance(refused.value, PlaceDamaged), "a lock is no damage"


def test_a_good_restore_is_good() -> None:
    restored()()
    restored(files_restored=4)()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "a").mkdir(parents=True)
    (root / "a/1").write_text("one")
    os.symlink("1", root / "a/2")
    write_manifest(root)
    return root


@contextmanager
def same_time(path: Path) -> Iterator[None]:
    before = [(one, one.lstat()) for one in (path, path.parent, path.parent.parent) if one.exists()]
    yield
    for one, info in before:
        if one.exists() and not one.is_symlink():
            os.utime(one, ns=(info.st_atime_ns, info.st_mtime_ns))


@pytest.mark.parametrize(
    "what", ["size", "content", "time", "mode", "owner", "target", "gone", "more", "kind", "digest"]
)
def test_every_difference_to_the_manifest_is_seen(tree: Path, what: str) -> None:
    one, digest = tree / "a/1", manifest_digest(tree)
    same = compare_with_manifest(tree, digest=digest)
    assert (same.files, same.size, same.differences) == (1, 3, 0)
    with same_time(one):
        if what in ("size", "content"):
            one.write_text({"size": "onee", "content": "eno"}[what])
        elif what == "mode":
            one.chmod(0o600)
        elif what == "owner":
            os.chown(one, 7, 7)
        elif what == "target":
            (tree / "a/2").unlink()
            os.symlink("3", tree / "a/2")
        elif what == "gone":
            one.unlink()
        elif what == "more":
            (tree / "b").write_text("")
        elif what == "kind":
            one.rename(tree / "c")
            (tree / "c").unlink()
            one.mkdir(0o644)
    if what == "time":
        os.utime(one, (1, 1))
    found = compare_with_manifest(tree, digest="another" if what == "digest" else digest)
    assert found.differences >= 1


@pytest.mark.root
def test_a_restore_into_a_full_disk_that_claims_everything(rig: Rig, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small], timeout=20)
    try:
        done = work(Restic(rig.restic, rig.place), ["restore", rig.newest, "--target", small], Silent())
        with pytest.raises(NoDisk):
            judge_restore(rig.place, rig.newest, done)
    finally:
        run(["umount", small], timeout=20)


@pytest.mark.root
def test_restic_passes_over_an_older_tree_and_the_manifest_does_not(rig: Rig, tmp_path: Path) -> None:
    target = tmp_path / "back"
    words: list[str | Path] = ["restore", rig.newest, "--target", target]
    work(Restic(rig.restic, rig.place), words, Silent())
    photo = target / "run/stead/data/files/home/alice/photo"
    info = photo.stat()
    photo.write_bytes(b"x" * info.st_size)
    os.utime(photo, ns=(info.st_atime_ns, info.st_mtime_ns))
    again = work(Restic(rig.restic, rig.place), [*words, "--overwrite", "if-changed"], Silent())
    assert again.code == 0 and again.summary.get("files_skipped")
    with pytest.raises(PlaceDamaged, match="skipped"):
        judge_restore(rig.place, rig.newest, again)
    assert compare_with_manifest(target / "run/stead/data").differences == 1


def test_a_file_that_was_not_there_is_seen_wherever_it_sorts(tree: Path) -> None:
    for name in ("0", "a/11", "z"):
        with same_time(tree / "a"), same_time(tree / name):
            (tree / name).write_text("")
        found = compare_with_manifest(tree)
        assert found.problems == (f"{name}: was not there",)
        with same_time(tree / "a"), same_time(tree / "a/1"):
            before = tree.lstat()
            (tree / name).unlink()
            os.utime(tree, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("what", ["gone", "damaged", "empty"])
def test_a_manifest_that_is_gone_or_unreadable_is_a_difference(tree: Path, what: str) -> None:
    for file in (tree / ".stead/manifest").iterdir():
        if what == "gone":
            file.unlink()
        else:
            file.write_text("{" if what == "damaged" else '{"pieces": [], "origin": null}')
    words = "cannot be read" if what == "damaged" else "no manifest"
    assert what == "empty" or words in " ".join(compare_with_manifest(tree).problems)
    shutil.rmtree(tree)
    tree.mkdir()
    assert "there is no manifest in the snapshot" in compare_with_manifest(tree).problems


def test_a_folder_that_came_back_as_a_file_is_seen(tree: Path) -> None:
    (tree / "e").mkdir(0o755)
    write_manifest(tree)
    with same_time(tree / "e"):
        (tree / "e").rmdir()
        (tree / "e").touch(0o755)
    assert compare_with_manifest(tree).problems == ("e: is no folder",)
