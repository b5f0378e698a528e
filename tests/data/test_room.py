"""Room for data where there is no data."""

from __future__ import annotations

from pathlib import Path

import pytest

from stead.data import grow_if_needed, to_spare
from stead.data.room import promised, spare
from stead.run import run
from stead.words.home import Home


def test_data_that_is_not_there_is_not_grown(tmp_path: Path) -> None:
    """The keeper looks at the hour whether or not data is mounted just then; that is no bug to report."""
    assert grow_if_needed(Home.at(tmp_path)) is None


@pytest.mark.root
def test_what_data_may_grow_into_is_nobodys_on_its_own_disk(home: Home, tmp_path: Path) -> None:
    assert promised(home.data_image) > 300_000_000
    here = spare(home.lib) - promised(home.data_image)
    assert abs(to_spare(home, home.lib) - here) < 50_000_000
    other = tmp_path / "other"
    other.mkdir()
    run(["mount", "-t", "tmpfs", "-o", "size=5g", "other", other], timeout=10)
    try:
        assert to_spare(home, other) == spare(other) > 2_900_000_000
    finally:
        run(["umount", other], timeout=10)
