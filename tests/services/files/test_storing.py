"""A name never shows half a file, whatever happens to the upload."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest

from stead.services.files.guest import storing


def store(path: Path, content: bytes, length: int | None) -> None:
    with storing.replacing(str(path), 0o600) as descriptor:
        storing.receive(io.BytesIO(content).read, descriptor, length)


def test_a_whole_upload_takes_the_name(tmp_path: Path) -> None:
    store(tmp_path / "a", b"new", 3)
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_a_cut_upload_changes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(storing.CutShort):
        store(tmp_path / "a", b"ne", 3)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_more_than_fits_is_refused_before_a_byte_is_read(tmp_path: Path) -> None:
    def unread(_size: int) -> bytes:
        raise AssertionError("read")

    with pytest.raises(OSError) as refused, storing.replacing(str(tmp_path / "a"), 0o600) as descriptor:
        storing.receive(unread, descriptor, 1 << 60)
    assert refused.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == []


def test_a_folder_is_copied_without_its_links_and_replaces_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "from/sub").mkdir(parents=True)
    (tmp_path / "from/sub/file").write_bytes(b"x" * 100_000)
    (tmp_path / "from/link").symlink_to("/etc/passwd")
    (tmp_path / "to").mkdir()
    (tmp_path / "to/old").touch()
    storing.copy_tree(str(tmp_path / "from"), str(tmp_path / "to"), (0o600, 0o700))
    assert sorted(str(p.relative_to(tmp_path)) for p in (tmp_path / "to").rglob("*")) == ["to/sub", "to/sub/file"]
    assert (tmp_path / "to/sub/file").read_bytes() == b"x" * 100_000
    assert sorted(os.listdir(tmp_path)) == ["from", "to"]


def test_a_folder_copied_without_depth_is_empty(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from/file").touch()
    storing.copy_tree(str(tmp_path / "from"), str(tmp_path / "to"), (0o600, 0o700), deep=False)
    assert os.listdir(tmp_path / "to") == []


def test_putting_a_folder_in_the_place_of_another_removes_the_other(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"in {name}").touch()
    storing.put(str(tmp_path / "one"), str(tmp_path / "two"))
    assert os.listdir(tmp_path) == ["two"]
    assert os.listdir(tmp_path / "two") == ["in one"]


def test_a_put_that_fails_puts_everything_back(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    with pytest.raises(OSError):
        storing.put(str(tmp_path / "missing"), str(tmp_path / "two"))
    assert os.listdir(tmp_path) == ["two"]
