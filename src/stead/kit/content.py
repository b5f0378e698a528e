"""What goes into a kit: everything a new computer needs, and nothing it could find in a place."""

from __future__ import annotations

import base64
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from stead import __version__
from stead.backup import credentials, load_known
from stead.rehearsal.known import places
from stead.settings import Settings
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.kit import Kit, KitPlace
from stead.words.quantities import say_time

#: Files of the host's secrets that make the new server the same one to its users' devices.
_SECRETS = ("ca.key", "ca.pem")
_DKIM = "keys/dkim"


def kit_of(home: Home, settings: Settings) -> Kit:
    """Everything of this host a kit holds, as it is now. SteadError while there is nothing worth keeping yet."""
    return Kit(
        id=f"k-{secrets.token_hex(4)}",
        made_at=say_time(datetime.now(UTC)),
        host=os.uname().nodename,
        domain=settings.name,
        settings=home.settings_file.read_text() if home.settings_file.exists() else "",
        places=_places(home, settings),
        secrets={name: _base64(home.secrets / name) for name in _SECRETS if (home.secrets / name).is_file()},
        keys=_keys(home.data / _DKIM),
        program={"name": "stead", "version": __version__},
    )


def _places(home: Home, settings: Settings) -> tuple[KitPlace, ...]:
    found = []
    for place in places(home, settings):
        if not place.password_file.exists():
            raise SteadError(
                f"the place {place.name} was never used, so it has no password to keep yet",
                hint=f"stead backup run --place {place.name}, then: stead kit write",
            )
        found.append(
            KitPlace(
                name=place.name,
                url=place.url,
                password=place.password_file.read_text().strip(),
                credentials=credentials(place),
                repository=load_known(home, place.name).repository,
            )
        )
    return tuple(found)


def _keys(folder: Path) -> dict[str, str]:
    """The domain's signing keys; they are in every backup too, but DNS records can be checked with them before."""
    if not folder.is_dir():
        return {}
    return {
        file.name: file.read_text() for file in sorted(folder.iterdir()) if file.is_file() and not file.is_symlink()
    }


def _base64(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
