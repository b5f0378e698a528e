"""The places of a host as its settings name them, with the default one where they name none."""

from __future__ import annotations

from stead.settings import PlaceSetting, Settings
from stead.words.home import Home

#: The place of an owner who named none, as the drills' records call it.
DEFAULT_PLACE = "same-disk"


def place_settings(home: Home, settings: Settings) -> tuple[PlaceSetting, ...]:
    """The places of the settings, or the default one."""
    return settings.places or (PlaceSetting(DEFAULT_PLACE, str(home.default_place)),)


def place_names(settings: Settings) -> tuple[str, ...]:
    """Their names."""
    return tuple(place.name for place in settings.places) or (DEFAULT_PLACE,)
