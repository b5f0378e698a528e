"""The places of a kit, opened with nothing but what is in it."""

from __future__ import annotations

import os
from pathlib import Path

from stead.backup import Place
from stead.words.kit import Kit, KitPlace


def places_of(kit: Kit, folder: Path) -> tuple[Place, ...]:
    """The kit's places as nouns of the backup room. ``folder`` (0700) gets their password and credentials files."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return tuple(_place(place, folder) for place in kit.places)


def _place(place: KitPlace, folder: Path) -> Place:
    password, credentials = folder / f"place-{place.name}.password", None
    _write(password, place.password + "\n")
    if place.credentials:
        credentials = folder / f"place-{place.name}.env"
        _write(credentials, "".join(f"{name}={value}\n" for name, value in sorted(place.credentials.items())))
    return Place(place.name, place.url, password, credentials_file=credentials)


def _write(file: Path, content: str) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(content)
