"""Room for data where there is no data."""

from __future__ import annotations

from pathlib import Path

from stead.data import grow_if_needed
from stead.words.home import Home


def test_data_that_is_not_there_is_not_grown(tmp_path: Path) -> None:
    """The keeper looks at the hour whether or not data is mounted just then; that is no bug to report."""
    assert grow_if_needed(Home.at(tmp_path)) is None
