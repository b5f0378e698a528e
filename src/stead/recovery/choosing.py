"""Which copy to recover: the newest data snapshot of the first place that answers, or what was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stead.backup import Place, Restic, Snapshot, repository_id, snapshots
from stead.kit import places_of
from stead.words.errors import SteadError, UnprovenError, UsageError
from stead.words.home import Home
from stead.words.kit import Kit

#: A snapshot dated further ahead was made with a wrong clock: it may be old.
_AHEAD = timedelta(days=1)


@dataclass(frozen=True)
class Copy:
    """A place that answers, a snapshot of data in it, and the snapshots of programs there, by the release's id."""

    place: Place
    snapshot: Snapshot
    releases: dict[str, str]


def choose(home: Home, kit: Kit, program: Path, *, place: str | None = None, snapshot: str | None = None) -> Copy:
    """The copy to recover. UnprovenError tells why each place cannot be used."""
    found, troubles = [], []
    for one in places_of(kit, home.recovering / "opened"):
        if place in (None, one.name):
            try:
                found += _copies(home, kit, one, program, snapshot)
            except SteadError as trouble:
                troubles.append(trouble.message)
    if found:
        return max(found, key=lambda copy: copy.snapshot.began_at)
    if place is not None and place not in {one.name for one in kit.places}:
        known = ", ".join(one.name for one in kit.places)
        raise UsageError(f"the kit knows no place named {place}", hint=f"it knows: {known}")
    if troubles:
        raise UnprovenError(f"no place can be used: {'; '.join(troubles)}", hint="is it switched on and connected?")
    raise UnprovenError(f"no place holds {'such a copy' if snapshot else 'a copy of data'}", hint="try another kit")


def _copies(home: Home, kit: Kit, place: Place, program: Path, wanted: str | None) -> list[Copy]:
    restic = opened(home, place, program)
    expected = next(one.repository for one in kit.places if one.name == place.name)
    if expected is not None and repository_id(restic) != expected:
        raise SteadError(f"at the place {place.name} there is another repository than the kit's")
    listed = snapshots(restic)
    releases = {tag: one.id for one in listed if "release" in one.tags for tag in one.tags - {"release"}}
    return [Copy(place, one, releases) for one in listed if "data" in one.tags and _fits(one, wanted)]


def opened(home: Home, place: Place, program: Path) -> Restic:
    """The place of a recovery: what is read of it again and again (its index) is kept on this computer meanwhile."""
    return Restic(program, place, home.lib / "cache/restic")


def _fits(snapshot: Snapshot, wanted: str | None) -> bool:
    if wanted is not None:
        return snapshot.id.startswith(wanted)
    return snapshot.began_at <= datetime.now(UTC) + _AHEAD
