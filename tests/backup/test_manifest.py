from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from stead.backup import compare_with_manifest, manifest_digest, read_manifest, summarise
from stead.backup.making import write_manifest
from stead.backup.pieces import CONTENT, read_index, rows_of, write_index, write_piece
from stead.backup.walking import FOLDER
from stead.words.errors import SteadError


def made(root: Path) -> Path:
    write_manifest(root)
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


def test_it_lists_everything_in_one_order_and_compares_equal(tree: Path) -> None:
    made(tree)
    paths = [entry.path for entry in read_manifest(tree)]
    assert {"a/new\nline", "a/caf\udce9", "b/link", "a/deep/2"} <= set(paths)
    assert paths == sorted(paths, key=lambda path: [] if path == "." else os.fsencode(path).split(b"/"))
    assert compare_with_manifest(tree, digest=manifest_digest(tree)).problems == ()
    summary = summarise(tree)
    assert summary.files == 14 + len(list((tree / FOLDER).iterdir())) and summary.folders["a"] == 8


def test_remembered_digests_change_nothing_and_changed_files_are_read_again(tree: Path) -> None:
    made(tree)
    again = {entry.path: entry.sha256 for entry in read_manifest(made(tree))}
    before = (tree / "a/1").stat()
    time.sleep(0.02)
    (tree / "a/1").write_text("A 1")
    os.utime(tree / "a/1", ns=(before.st_atime_ns, before.st_mtime_ns))
    (tree / "a/0").unlink()
    (tree / "a/01").write_text("new")
    after = {entry.path: entry.sha256 for entry in read_manifest(made(tree))}
    changed = {path for path in after | again if after.get(path) != again.get(path)}
    assert changed == {"a/0", "a/01", "a/1"}
    assert compare_with_manifest(tree).problems == ()


def test_a_digest_is_remembered_only_of_a_file_that_was_not_written_to(tree: Path) -> None:
    made(tree)
    folder = tree / FOLDER
    index = read_index(folder)
    assert index is not None
    # What is remembered of a file is believed: so it must be bound to inode, size and change time.
    rows = [
        [*row[:CONTENT], "0" * 64, *row[CONTENT + 1 :]] if row[1] == "file" else row for row in rows_of(folder, index)
    ]
    write_index(folder, replace(index, pieces=(write_piece(folder, rows),)))
    time.sleep(0.02)
    (tree / "a/1").write_text("a 1")
    digests = {entry.path: entry.sha256 for entry in read_manifest(made(tree))}
    assert digests["a/2"] == "0" * 64 and digests["a/1"] == hashlib.sha256(b"a 1").hexdigest()


def test_a_damaged_memory_costs_time_only(tree: Path) -> None:
    made(tree)
    for piece in (tree / FOLDER).iterdir():
        piece.write_bytes(b"x" * piece.stat().st_size)
    made(tree)
    assert compare_with_manifest(tree).problems == ()


def test_a_manifest_of_before_is_still_read(tree: Path) -> None:
    made(tree)
    entries = list(read_manifest(tree))
    for piece in (tree / FOLDER).iterdir():
        piece.unlink()
    lines = [json.dumps({k: v for k, v in asdict(e).items() if v is not None}) + "\n" for e in entries]
    (tree / FOLDER / "00000001.jsonl").write_text("".join(lines[:5]))
    (tree / FOLDER / "00000002.jsonl").write_text("".join(lines[5:]))
    assert list(read_manifest(tree)) == entries
    assert compare_with_manifest(tree, digest=manifest_digest(tree)).problems == ()


def test_few_changes_change_few_pieces(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    (root / "mail").mkdir(parents=True)
    for number in range(6000):
        (root / "mail" / f"{number:06d}").touch()
    made(root)
    before = {piece.read_bytes() for piece in (root / FOLDER).iterdir()}
    (root / "mail/003000").write_text("x")
    made(root)
    after = {piece.read_bytes() for piece in (root / FOLDER).iterdir()}
    # the changed file's piece, and the ones with the changed times of two folders
    assert len(before) >= 5 and len(after - before) <= 3


def test_a_lost_or_changed_manifest_is_noticed(tree: Path) -> None:
    made(tree)
    digest = manifest_digest(tree)
    piece = next(path for path in (tree / FOLDER).iterdir() if path.name != "index.json")
    content = piece.read_bytes()
    piece.write_bytes(content.replace(b'"a/1"', b'"a/9"'))
    assert compare_with_manifest(tree, digest=digest).differences
    piece.unlink()
    assert compare_with_manifest(tree).differences
    (tree / FOLDER / "index.json").unlink()
    assert compare_with_manifest(tree).differences
    with pytest.raises(SteadError):
        summarise(tree)
