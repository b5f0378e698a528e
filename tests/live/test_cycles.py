"""Up, drill, the keeper killed without warning, down, again and again: nothing may be left on the host.

``STEAD_CYCLES`` sets how often (3 by default; the figure in docs/benchmarks.md is of 20).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from stead import keeper
from stead.keeper.running import holder
from stead.release import Release
from stead.run import Result, run
from stead.words.home import Home
from tests.rig.leftovers import leftovers
from tests.rig.server import lend

pytestmark = [pytest.mark.boot, pytest.mark.apart]
CYCLES = int(os.environ.get("STEAD_CYCLES", "3"))


def _stead(home: Home, *words: str) -> Result:
    return run([sys.executable, "-m", "stead.cli", "--home", home.etc.parent, *words], timeout=240, expect=())


@pytest.mark.timeout(120 * CYCLES)
def test_cycles_of_up_drill_kill_and_down_leave_nothing(home: Home, release: Release) -> None:
    home.etc.mkdir(parents=True)
    home.settings_file.write_text('[data]\nfirst_size = "2GB"\n')
    lend(home, release)
    for number in range(CYCLES):
        up = _stead(home, "up")
        assert up.code == 0, f"cycle {number}: {up.err[-2000:]}{up.out}"
        drilled = _stead(home, "drill", "--json")
        assert drilled.code == 0, f"cycle {number}: {drilled.out[-2000:]}{drilled.err[-1000:]}"
        assert json.loads(drilled.out)["verdict"] == "pass"
        _kill_keeper(home)
        down = _stead(home, "down")
        assert down.code == 0, f"cycle {number}: {down.err}"
        assert leftovers(home.etc.parent) == ()
        assert not list(Path(home.lib / "rehearsals").glob("r-*"))
        assert not keeper.is_running(home)


def _kill_keeper(home: Home) -> None:
    number = holder(home, "keeper")
    assert number is not None, "the keeper does not run"
    os.kill(number, signal.SIGKILL)
