"""What the owner wants of alarms, as now in the settings, or as last known while those have a mistake."""

from __future__ import annotations

from stead.alerts import Wishes, keep, last_known, wishes_of
from stead.keeper.places import place_names
from stead.settings import load
from stead.words.errors import SteadError
from stead.words.home import Home


def wishes(home: Home) -> Wishes:
    """The wishes; SteadError when the settings cannot be read and never could."""
    try:
        settings = load(home)
    except SteadError:
        if known := last_known(home):
            return known
        raise
    found = wishes_of(settings, place_names(settings))
    keep(home, found)
    return found
