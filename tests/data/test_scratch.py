"""A file system for what is thrown away: its room is its own, and nothing of it stays, whoever dies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stead.data import drop_scratch, scratch
from stead.run import run
from stead.words.errors import UnprovenError
from tests.rig.leftovers import leftovers

pytestmark = pytest.mark.root

_SIZE = 600 << 20


def test_it_holds_what_was_asked_and_is_gone_with_everything(tmp_path: Path) -> None:
    with scratch(tmp_path, _SIZE) as inside:
        (image,) = tmp_path.glob("*.img")
        assert image.stat().st_blocks * 512 >= _SIZE, "its room was taken at once"
        for number in range(1000):
            (inside / str(number)).write_text("x")
        (inside / "big").write_bytes(os.urandom(100 << 20))
        assert image.stat().st_blocks * 512 < _SIZE + (1 << 20)
    assert not list(tmp_path.iterdir()) and not leftovers(tmp_path)


def test_it_is_full_before_the_disk_below(tmp_path: Path) -> None:
    with (
        scratch(tmp_path, _SIZE) as inside,
        (inside / "filler").open("wb", buffering=0) as filler,
        pytest.raises(OSError, match="No space left"),
    ):
        while True:
            filler.write(bytes(8 << 20))


def test_what_a_killed_program_left_is_dropped(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        with scratch(tmp_path, _SIZE) as inside:
            (inside / "half").touch()
            os._exit(0)
    os.waitpid(pid, 0)
    assert leftovers(tmp_path), "there is something to drop"
    drop_scratch(tmp_path)
    drop_scratch(tmp_path)
    assert not list(tmp_path.iterdir()) and not leftovers(tmp_path)


def test_a_disk_that_has_not_the_room_is_said_at_once(tmp_path: Path) -> None:
    run(["mount", "-t", "tmpfs", "-o", "size=64m", "small", tmp_path], timeout=10)
    try:
        with pytest.raises(UnprovenError, match="629 MB could not be had of the disk under"), scratch(tmp_path, _SIZE):
            pass
        assert not list(tmp_path.iterdir())
    finally:
        run(["umount", tmp_path], timeout=10)
