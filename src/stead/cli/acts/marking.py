"""Markers into the live machine, and away with what dead machines left."""

from __future__ import annotations

from stead import live
from stead.cli.here import Here
from stead.rehearsal.lock import held
from stead.words.errors import SteadError


def sweep(here: Here) -> None:
    """Take away what dead rehearsals and machines left."""
    with held(here.home, "drill", wait=60):
        live.clean(here.home)


def mark(here: Here) -> None:
    """Write a marker into every service."""
    wrong = {name: error for name, error in live.mark(here.home, here.settings).items() if error}
    if wrong:
        raise SteadError("no marker in " + "; ".join(f"{name}: {error}" for name, error in wrong.items()))
