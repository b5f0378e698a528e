"""Which copy to recover: the newest data snapshot of the first place that answers, or what was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stead.backup import Place, Restic, Snapshot, repository_id, snapshots
from stead.kit import places_of
from stead.words.errors import SteadError, UnprovenError, UsageError
from stead.words.kit import Kit

#: A snapshot dated further ahead was made with a wrong clock: it may be old.
_AHEAD = timedelta(days=1)


@dataclass(frozen=True)
class Copy:
    """A place that answers, and a snapshot of data in it."""

    place: Place
    snapshot: Snapshot


def choose(kit: Kit, folder: Path, program: Path, *, place: str | None = None, snapshot: str | None = None) -> Copy:
    """The copy to recover. ``folder`` gets what opens the places. UnprovenError tells why each place cannot be used."""
    found, troubles = [], []
    for one in places_of(kit, folder):
        if place in (None, one.name):
            try:
                found += [Copy(one, there) for there in _data_in(kit, one, program) if _fits(there, snapshot)]
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


def _data_in(kit: Kit, place: Place, program: Path) -> list[Snapshot]:
    restic = Restic(program, place)
    wanted = next(one.repository for one in kit.places if one.name == place.name)
    if wanted is not None and repository_id(restic) != wanted:
        raise SteadError(f"at the place {place.name} there is another repository than the kit's")
    return [one for one in snapshots(restic) if "data" in one.tags]


def _fits(snapshot: Snapshot, wanted: str | None) -> bool:
    if wanted is not None:
        return snapshot.id.startswith(wanted)
    return snapshot.began_at <= datetime.now(UTC) + _AHEAD
