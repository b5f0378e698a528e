"""From the mounted copy to this computer's own data: made ready while the server runs, switched in a pause."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from stead import backup, data, live, machine
from stead.recovery import state as states
from stead.recovery.fetching import fetched
from stead.recovery.merging import Merge
from stead.recovery.state import State
from stead.rehearsal.known import current_release
from stead.rehearsal.lock import held
from stead.run import run
from stead.settings import Settings
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.progress import Progress


def move_over(home: Home, settings: Settings, state: State, progress: Progress) -> State:
    """Make what was fetched, with all that was written meanwhile, the live data. The machine is stopped then.

    Killed anywhere, it is done again from what was fetched; the layer stays until data is whole without it.
    """
    with held(home, "up", wait=60):
        if not is_own(home):
            with progress.step("bringing what was written meanwhile"):
                moving = _ready(home)
                merge = Merge(data.written(home), moving)
                _until_little_changes(merge)
                run(["btrfs", "filesystem", "sync", moving], timeout=600)
            with progress.step("moving over"):
                machine.stop(home, "live")
                merge.round()
                run(["btrfs", "filesystem", "sync", moving], timeout=600)
                data.end_stand_in(home)
                _switch(home, moving)
        state = states.save(home, state, moved=True)
        live.serve(home, settings, current_release(home).tree, progress, own=True)
        return state


def _ready(home: Home) -> Path:
    """A writable picture of what was fetched, with data at its top."""
    moving = home.data_mount / "moving"
    if moving.exists():
        run(["btrfs", "subvolume", "delete", moving], timeout=120)
    run(["btrfs", "subvolume", "snapshot", fetched(home), moving], timeout=120)
    inside = moving / backup.DATA_PATH.lstrip("/")
    for name in sorted(os.listdir(inside)):
        (inside / name).rename(moving / name)
    shutil.copystat(inside, moving)
    shutil.rmtree(moving / inside.relative_to(moving).parts[0])
    return moving


def _until_little_changes(merge: Merge, *, rounds: int = 5, within: float = 0.5) -> None:
    """Rounds while the server runs, until one is so short that the last, in the pause, will be."""
    for _ in range(rounds):
        began = time.monotonic()
        merge.round()
        if time.monotonic() - began < within:
            return


def _switch(home: Home, moving: Path) -> None:
    """One rename. Until it, nothing of ``moving`` counts."""
    if os.listdir(home.data):
        raise SteadError(f"{home.data} is not empty", hint="nothing was changed: look what is in it")
    run(["btrfs", "subvolume", "delete", home.data], timeout=120)
    moving.rename(home.data)
    data.sync_folder(home.data_mount)


def is_own(home: Home) -> bool:
    """Whether an earlier try got past the switch: data is there, nothing stands in for it. Mount the volume before."""
    return not data.stands_in(home) and home.data.exists() and bool(os.listdir(home.data))
