"""A real home with a real btrfs on a real loop device, taken apart after the test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from stead.data import ensure_volume, unmount
from stead.words.home import Home


@pytest.fixture
def empty_home(tmp_path: Path) -> Iterator[Home]:
    if os.geteuid():
        pytest.skip("needs root")
    home = Home.at(tmp_path / "home")
    yield home
    unmount(home)


@pytest.fixture
def home(empty_home: Home) -> Home:
    ensure_volume(empty_home, size=512 * 1000**2)
    return empty_home
