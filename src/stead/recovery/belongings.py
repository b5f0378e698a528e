"""What the host itself gets from the kit: settings, secrets, and what opens the places."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from stead.settings import Settings, load
from stead.words.errors import UsageError
from stead.words.home import Home
from stead.words.kit import Kit


def put(home: Home, kit: Kit) -> Settings:
    """Write them where the kit's server had them; safe to repeat. The settings, read and checked."""
    _write(home.settings_file, kit.settings.encode(), 0o644)
    settings = load(home)
    for name, content in kit.secrets.items():
        if Path(name).name != name:
            raise UsageError(f"the kit holds a strange name: {name!r}", hint="it is not one that Stead wrote")
        _write(home.secrets / name, base64.b64decode(content), 0o600)
    named = {place.name: place for place in settings.places}
    for place in kit.places:
        # The folder that stood in for a place is the lost computer's own: the new one makes its own.
        if place.name not in named:
            continue
        _write(home.secrets / f"place-{place.name}.password", f"{place.password}\n".encode(), 0o600)
        credentials = named[place.name].credentials_file
        if credentials is not None and not credentials.exists():
            lines = "".join(f"{name}={value}\n" for name, value in sorted(place.credentials.items()))
            _write(credentials, lines.encode(), 0o600)
    return settings


def _write(file: Path, content: bytes, mode: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if mode == 0o600 else 0o755)
    draft = file.with_name(f".{file.name}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
