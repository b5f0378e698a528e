"""Names and facts the live stories share: the release in use, the places, port shifts."""

from __future__ import annotations

import json
from pathlib import Path

from stead import backup, machine, services
from stead.backup import Place
from stead.release import Release, ReleaseStore, host_restic
from stead.settings import Settings
from stead.words.errors import SteadError
from stead.words.home import Home


def current_release(home: Home) -> Release:
    """The release in use; SteadError when none was ever built."""
    release = ReleaseStore(home).current()
    if release is None:
        raise SteadError("there is no release yet", hint="build and start the server: stead up")
    return release


def restic_program(home: Home) -> Path:
    """The restic that came with the release in use."""
    return host_restic(current_release(home))


def places(home: Home, settings: Settings) -> tuple[Place, ...]:
    """The places of the settings, or the default one on the same disk."""
    return backup.places(home, tuple((place.name, place.url, place.credentials_file) for place in settings.places))


def port_shift(home: Home, settings: Settings) -> int:
    """What is added to every local port: as set, else as chosen once for this home and kept."""
    if settings.public:
        return 0
    if settings.local.port_shift:
        return settings.local.port_shift
    file = home.lib / "port-shift.json"
    if file.exists():
        return int(json.loads(file.read_text()))
    shift = machine.free_port_shift(home, services.all_ports())
    file.write_text(json.dumps(shift))
    return shift
