"""What brings a server back: one that died, and one that is being recovered."""

from __future__ import annotations

from contextlib import suppress

from stead import live, machine, recovery
from stead.cli.here import Here
from stead.rehearsal.lock import Busy, held
from stead.words.progress import Silent


def revive(here: Here) -> None:
    """Start the live machine again if it is dead and nobody is starting or stopping it just now."""
    if here.home.recovering.exists():
        with suppress(Busy):
            recovery.serve_copy(here.home, here.settings, Silent())
        return
    with held(here.home, "up"):
        if machine.find(here.home, "live") is not None:
            return
    live.restart(here.home, here.settings, Silent())


def recover_(here: Here) -> None:
    """Go on with a recovery that nobody works on any more."""
    try:
        recovery.go_on(here.home, here.settings, Silent())
    except Busy:
        return
