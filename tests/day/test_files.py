"""A day's files, by a real WebDAV client."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

import pytest

from stead.run import CommandError
from tests.rig.programs import Programs


def test_a_folder_goes_up_and_comes_back_the_same(programs: Programs, tmp_path: Path) -> None:
    there, mine = f"stead:alice/{uuid4().hex}", tmp_path / "mine"
    (mine / "photos/été 2026").mkdir(parents=True)
    (mine / "photos/été 2026/sea & sky #1.jpg").write_bytes(os.urandom(3_000_000))
    (mine / "a note.txt").write_text("remember the milk\n")
    (mine / "empty").touch()
    programs.rclone("alice", "copy", str(mine), there)
    programs.rclone("alice", "copy", there, str(tmp_path / "back"))
    for file in (path for path in mine.rglob("*") if path.is_file()):
        assert (tmp_path / "back" / file.relative_to(mine)).read_bytes() == file.read_bytes()
    programs.rclone("alice", "moveto", f"{there}/a note.txt", f"{there}/a better name.txt")
    listed = programs.rclone("alice", "lsf", "-R", there).out
    assert "a better name.txt" in listed and "a note.txt" not in listed
    programs.rclone("alice", "purge", there)


def test_the_shared_folder_is_shared_and_the_private_one_is_not(programs: Programs, tmp_path: Path) -> None:
    name = uuid4().hex
    note = tmp_path / name
    note.write_text("for both of us\n")
    programs.rclone("alice", "copyto", str(note), f"stead:shared/{name}")
    assert programs.rclone("bob", "cat", f"stead:shared/{name}").out == "for both of us\n"
    programs.rclone("bob", "deletefile", f"stead:shared/{name}")
    programs.rclone("alice", "copyto", str(note), f"stead:alice/{name}")
    with pytest.raises(CommandError):
        programs.rclone("bob", "cat", f"stead:alice/{name}")
    programs.rclone("alice", "deletefile", f"stead:alice/{name}")


def test_a_large_file_is_sent_and_a_part_of_it_read(programs: Programs, tmp_path: Path) -> None:
    large = tmp_path / "film.mkv"
    block = os.urandom(1 << 20)
    with large.open("wb") as file:
        for number in range(200):
            file.write(number.to_bytes(8) + block[8:])
    there = f"stead:alice/{uuid4().hex}.mkv"
    programs.rclone("alice", "copyto", str(large), there, timeout=240)
    part = programs.rclone("alice", "cat", "--offset", str(150 << 20), "--count", "8", there)
    assert part.out == large.read_bytes()[150 << 20 : (150 << 20) + 8].decode(errors="replace")
    programs.rclone("alice", "deletefile", there)
