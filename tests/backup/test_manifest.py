from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from stead.backup import compare_with_manifest, manifest_digest, read_manifest, summarise
from stead.backup.manifest import FOLDER, write_manifest
from stead.words.errors import SteadError


def made(root: Path, known: Path) -> Path:
    for piece in (root / FOLDER).glob("*"):
        piece.unlink()
    if (root / FOLDER).exists():
        (root / FOLDER).rmdir()
    (root / ".stead").mkdir(exist_ok=True)
    write_manifest(root, known)
    return root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for folder in ("a", "a-b", "a/deep", "b"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(3):
            (root / folder / f"{number}").write_text(f"{folder} {number}")
    (root / "a/new\nline").write_text("x")
    (root / "a/caf\udce9").write_text("y")
    os.symlink("/etc/passwd", root / "b/link")
    return root


def test_it_lists_everything_in_one_order_and_compares_equal(tree: Path, tmp_path: Path) -> None:
    made(tree, tmp_path / "known")
    paths = [entry.path for entry in read_manifest(tree)]
    assert {"a/new\nline", "a/caf\udce9", "b/link", "a/deep/2"} <= set(paths)
    assert paths == sorted(paths, key=lambda path: [] if path == "." else os.fsencode(path).split(b"/"))
    assert compare_with_manifest(tree, digest=manifest_digest(tree)).problems == ()
    summary = summarise(tree)
    assert summary.files == 14 + len(list((tree / FOLDER).iterdir())) and summary.folders["a"] == 8


def test_remembered_digests_change_nothing_and_changed_files_are_read_again(tree: Path, tmp_path: Path) -> None:
    first = manifest_digest(made(tree, tmp_path / "known"))
    remembered = (tmp_path / "known").read_bytes()
    os.utime(tree / ".stead", (0, 0))
    again = {entry.path: entry.sha256 for entry in read_manifest(made(tree, tmp_path / "known"))}
    assert (tmp_path / "known").read_bytes() == remembered
    before = (tree / "a/1").stat()
    time.sleep(0.02)
    (tree / "a/1").write_text("A 1")
    os.utime(tree / "a/1", ns=(before.st_atime_ns, before.st_mtime_ns))
    (tree / "a/0").unlink()
    (tree / "a/01").write_text("new")
    after = {entry.path: entry.sha256 for entry in read_manifest(made(tree, tmp_path / "known"))}
    changed = {path for path in after | again if after.get(path) != again.get(path)}
    assert changed == {"a/0", "a/01", "a/1"}
    assert first and compare_with_manifest(tree).problems == ()


def test_a_damaged_memory_costs_time_only(tree: Path, tmp_path: Path) -> None:
    made(tree, tmp_path / "known")
    lines = (tmp_path / "known").read_bytes().splitlines(keepends=True)
    (tmp_path / "known").write_bytes(b"".join(lines[:3]) + b'["a/de\n' + b"".join(lines[4:]))
    made(tree, tmp_path / "known")
    assert compare_with_manifest(tree).problems == ()


def test_few_changes_change_few_pieces(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    (root / "mail").mkdir(parents=True)
    for number in range(6000):
        (root / "mail" / f"{number:06d}").touch()
    made(root, tmp_path / "known")
    before = {piece.read_bytes() for piece in (root / FOLDER).iterdir()}
    (root / "mail/003000").write_text("x")
    made(root, tmp_path / "known")
    after = {piece.read_bytes() for piece in (root / FOLDER).iterdir()}
    # the changed file's piece, and the ones with the changed times of two folders
    assert len(before) >= 5 and len(after - before) <= 3


def test_a_lost_or_changed_manifest_is_noticed(tree: Path, tmp_path: Path) -> None:
    made(tree, tmp_path / "known")
    digest = manifest_digest(tree)
    piece = next((tree / FOLDER).iterdir())
    content = piece.read_bytes()
    piece.write_bytes(content.replace(b'"a/1"', b'"a/9"'))
    assert compare_with_manifest(tree, digest=digest).differences
    piece.unlink()
    assert compare_with_manifest(tree).differences
    with pytest.raises(SteadError):
        summarise(tree)
