"""Taking the server down says what it cannot take down."""

from __future__ import annotations

from importlib import import_module

import pytest

from stead import live
from stead.data import scratch
from stead.rehearsal.lock import held
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.progress import Silent
from tests.rig.leftovers import leftovers

pytestmark = pytest.mark.root


def test_a_full_drill_by_hand_is_named_and_goes_on(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("stead.live.down"), "_ENDED_WITHIN", 0.1)
    with held(home, "full-drill"), pytest.raises(SteadError, match="a full drill that somebody began by hand"):
        live.down(home, Silent())
    live.down(home, Silent())


def test_what_a_killed_full_drill_left_goes_with_it(home: Home) -> None:
    folder = home.lib / "rehearsals/full-r-dead"
    folder.mkdir(parents=True)
    with scratch(folder, 600 << 20) as inside:
        (inside / "half").touch()
        live.down(home, Silent())
        assert not folder.exists() and not leftovers(home.lib)
