"""The live machine on a copy that stands in for data: served at once, moved to this computer's own data later."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from stead import machine
from stead.live.up import READY_WITHIN, live_plan, make_usable
from stead.live.watch import probe
from stead.settings import Settings
from stead.words.home import Home
from stead.words.probe import ProbeResult
from stead.words.progress import Progress


def serve(
    home: Home, settings: Settings, tree: Path, progress: Progress, *, own: bool = False
) -> tuple[ProbeResult, ...]:
    """Boot the programs in ``tree`` on what stands where data belongs, and probe until all passes.

    Not ``own``: after a reboot only the keeper comes back, for it must mount the copy before the machine can start.
    Call it under the lock ``up``.
    """
    machine.stop(home, "live")
    with progress.step("data"):
        make_usable(home, settings, datetime.now(UTC))
    machine.install_units(home, machine=own)
    machine.start(live_plan(home, settings, tree), progress)
    with progress.step("probing every capability from outside", expected=4.0):
        return probe(home, settings, patience=READY_WITHIN)
