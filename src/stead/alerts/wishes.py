"""What the owner wants of alarms: from the settings, or as last known while the settings cannot be read.

A mistake in the settings must not silence the alarm that tells of it, so the last good wishes are kept beside the other
secrets of the host.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from functools import cached_property

from stead.alerts.ways import Way, ways_of
from stead.settings import AlertSettings, HostPort, Settings
from stead.words.home import Home


@dataclass(frozen=True)
class Wishes:
    """Who is told, and by which name we speak. Times are seconds."""

    domain: str
    hostname: str
    host: str
    places: tuple[str, ...]
    lose_at_most: float
    prove_every: float
    urls: tuple[str, ...] = field(repr=False, default=())
    deadman: str | None = field(repr=False, default=None)
    resolver: HostPort | None = None
    mail_port: int = 25
    read_back: float = 30 * 86400.0

    @cached_property
    def ways(self) -> tuple[Way, ...]:
        """The ways alarms go out."""
        return ways_of(self.urls)


def wishes_of(settings: Settings, places: tuple[str, ...]) -> Wishes:
    """The wishes in the settings; ``places`` by name, with the default one."""
    alerts: AlertSettings = settings.alerts
    return Wishes(
        domain=settings.name,
        hostname=settings.hostname,
        host=os.uname().nodename,
        places=places,
        lose_at_most=settings.goals.lose_at_most,
        prove_every=settings.goals.prove_every,
        urls=alerts.urls,
        deadman=alerts.deadman,
        resolver=alerts.resolver,
        mail_port=alerts.mail_port,
        read_back=settings.keeper.read_back,
    )


def keep(home: Home, wishes: Wishes) -> None:
    """Remember good wishes; on a disk that is full the ones from before stay."""
    file, content = home.secrets / "alerts.json", json.dumps(asdict(wishes))
    try:
        if file.exists() and file.read_text() == content:
            return
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = file.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        new.replace(file)
    except OSError:
        return


def last_known(home: Home) -> Wishes | None:
    """The wishes of the last settings that could be read."""
    try:
        raw = json.loads((home.secrets / "alerts.json").read_text())
        at = raw["resolver"]
        made = {"places": tuple(raw["places"]), "urls": tuple(raw["urls"]), "resolver": HostPort(**at) if at else None}
        return Wishes(**{**raw, **made})
    except (OSError, ValueError, TypeError, KeyError):
        return None
