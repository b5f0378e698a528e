"""Taking the server down, and off the computer: nothing stays mounted, running or firewalled."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from stead import backup, data, machine
from stead.rehearsal import sweep
from stead.rehearsal.lock import Busy, held
from stead.words.errors import SteadError, UsageError
from stead.words.home import Home
from stead.words.progress import Progress

#: Seconds that what the keeper began may take to end after it.
_ENDED_WITHIN = 10.0
_PROGRAMS = ("releases", "cache", "rehearsals", "logs", "ca.pem", "port-shift.json", "live-plan.json")


def down(home: Home, progress: Progress) -> None:
    """Stop the live machine and every rehearsal, let data go, and check that nothing is left. Data and places stay."""
    with held(home, "up", wait=60):
        with progress.step("stopping the machine"):
            machine.stop(home, "live")
            if _nobody_rehearses(home):
                sweep(home)
            machine.sweep(home)
        with progress.step("letting data go"):
            data.unmount(home)
            backup.let_go(home.recovery_mount)
        left = (*machine.leftovers(home), *_restoring(home))
    if left:
        raise SteadError(f"something is still there: {'; '.join(left)}", hint="run stead down again")


def remove(home: Home, what: str) -> tuple[Path, ...]:
    """Take ``programs`` (with machine, units and firewall), ``data``, ``places`` or ``all`` off this computer.

    Returns what is left. Deleting data or places is final; whoever calls has asked the owner by name.
    """
    if what not in ("programs", "data", "places", "all"):
        raise UsageError(f"{what} cannot be removed", hint="programs, data, places or all")
    machine.remove_units(home)
    _stop_everything(home)
    _delete(home.lib / name for name in _PROGRAMS)
    if what in ("data", "all"):
        _delete([home.data_image, home.data_mount, home.records, home.lib / "places", home.secrets])
        _delete([home.recovering, home.lib / "recovery.json"])
    if what in ("places", "all"):
        _delete([home.default_place])
    if what == "all":
        _delete([home.lib, home.etc, home.run])
    known = (home.settings_file, home.data_image, home.default_place, home.secrets, home.records)
    return tuple(path for path in known if path.exists())


def _stop_everything(home: Home) -> None:
    machine.stop(home, "live")
    sweep(home)
    machine.sweep(home)
    data.unmount(home)
    backup.let_go(home.recovery_mount)


def _nobody_rehearses(home: Home) -> bool:
    try:
        with held(home, "drill", wait=30):
            return True
    except SteadError:
        return False


def _restoring(home: Home) -> tuple[str, ...]:
    """A full drill under way; one of the keeper's has just ended with it."""
    try:
        with held(home, "full-drill", wait=_ENDED_WITHIN):
            return ()
    except Busy:
        return ("a full drill that somebody began by hand: end it where it runs, or wait for it",)


def _delete(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
