"""What is mounted or attached is gone when we say so, also where somebody holds on for a moment, or for ever."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from stead.data import loop, unmount
from stead.run import mounted, run
from stead.run import unmount as take_off
from stead.words.home import Home

pytestmark = pytest.mark.root


@pytest.fixture
def point(tmp_path: Path) -> Path:
    point = tmp_path / "a place ä"
    point.mkdir()
    run(["mount", "-t", "tmpfs", "small", point], timeout=10)
    return point


def test_every_mount_at_a_place_is_taken_off(point: Path) -> None:
    run(["mount", "-t", "tmpfs", "second", point], timeout=10)
    assert mounted(point)
    take_off(point)
    assert not mounted(point)
    take_off(point)


def test_a_moments_user_is_waited_for(point: Path) -> None:
    file = (point / "file").open("wb")
    threading.Timer(0.5, file.close).start()
    began = time.monotonic()
    take_off(point, patience=20)
    assert not mounted(point) and time.monotonic() - began < 10
    assert file.closed


def test_who_never_lets_go_keeps_the_file_and_nobody_else_sees_it(point: Path) -> None:
    with (point / "file").open("w+b") as file:
        take_off(point, patience=0.2)
        assert not mounted(point) and not list(point.iterdir())
        file.write(b"still here")


def test_a_loop_device_that_is_just_being_looked_at_is_waited_for(home: Home) -> None:
    device = loop.attached(home.data_image)
    assert device
    looking = os.open(device, os.O_RDONLY)
    threading.Timer(0.5, os.close, [looking]).start()
    unmount(home)
    assert not loop.holding(home.data_image)
