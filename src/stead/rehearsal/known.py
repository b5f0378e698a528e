"""Names and facts the live stories share: the release in use, the places, port shifts."""

from __future__ import annotations

from pathlib import Path

from stead import machine, services
from stead.backup import Place, place_from
from stead.release import Release, ReleaseStore, host_restic
from stead.settings import PlaceSetting, Settings
from stead.words.errors import SteadError, UsageError
from stead.words.home import Home

#: The place of an owner who named none: a folder on the same disk, and said to be so.
DEFAULT_PLACE = "same-disk"


def current_release(home: Home) -> Release:
    """The release in use; SteadError when none was ever built."""
    release = ReleaseStore(home).current()
    if release is None:
        raise SteadError("there is no release yet", hint="build and start the server: stead up")
    return release


def restic_program(home: Home) -> Path:
    """The restic that came with the release in use."""
    return host_restic(current_release(home))


def place_settings(home: Home, settings: Settings, name: str | None = None) -> tuple[PlaceSetting, ...]:
    """The places of the settings (or the default one), or the one called ``name``."""
    known = settings.places or (PlaceSetting(DEFAULT_PLACE, str(home.default_place)),)
    chosen = tuple(place for place in known if name in (None, place.name))
    if not chosen:
        raise UsageError(f"there is no place named {name}", hint=f"known: {', '.join(p.name for p in known)}")
    return chosen


def places(home: Home, settings: Settings, name: str | None = None) -> tuple[Place, ...]:
    """The same places as nouns of the backup room; nothing is asked or made."""
    return tuple(place_from(home, one) for one in place_settings(home, settings, name))


def port_shift(home: Home, settings: Settings) -> int:
    """What is added to every local port: as set, else as chosen once for this home."""
    if settings.public:
        return 0
    if settings.local.port_shift:
        return settings.local.port_shift
    return machine.kept_port_shift(home, services.all_ports())
