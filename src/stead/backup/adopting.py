"""Taking over a place that another computer of the owner filled: what is in it becomes what is known.

Without that nothing older would ever be missed when it disappears, drilled, or pruned by the rule.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from stead.backup.cold import mount_cold
from stead.backup.cycle import really_there
from stead.backup.known import Known, KnownSnapshot, load_known, save_known
from stead.backup.locks import writing
from stead.backup.manifest import summarise
from stead.backup.place import Place
from stead.backup.restic import DATA_PATH, Restic, Snapshot, repository_id, snapshots
from stead.backup.troubles import NoFuse
from stead.words.declaration import Inventory
from stead.words.errors import SteadError
from stead.words.home import Home

#: Snapshots read at once: each costs a few small reads, which a far place answers slowly.
_AT_ONCE = 8


def adopt(home: Home, place: Place, program: Path, mounted: Path) -> None:
    """Know from now on everything the place holds; ``mounted`` is a mount of it (``ids/`` at its top).

    Backups go on in the same place, and what disappears from it after this is noticed. A snapshot that does not tell
    what is in it (its manifest is no longer to be read) stays unknown, and nothing of ours will remove it.
    """
    with writing(home, place):
        _take_over(home, Restic(program, place), mounted)


def adopt_found(home: Home, place: Place, program: Path) -> None:
    """The same for a place that is used from here for the first time and is not empty; else nothing."""
    known = load_known(home, place.name)
    if known != Known(repository=known.repository):
        return
    restic = Restic(program, place)
    if not any("data" in one.tags for one in snapshots(restic)):
        return
    point = home.run / "looking" / f"adopting-{place.name}"
    try:
        # In this order, which is that of whoever wants the place alone.
        with writing(home, place), mount_cold(home, place, program, point) as mounted:
            _take_over(home, restic, mounted.path)
    except NoFuse:
        # Backups matter more; what is older stays unknown, and where it is.
        return


def _take_over(home: Home, restic: Restic, mounted: Path) -> None:
    place = restic.place
    known = load_known(home, place.name)
    packs, _, indexes = really_there(restic)
    listed = snapshots(restic)
    found = _read_all(mounted, (one for one in listed if "data" in one.tags))
    taken = replace(
        known,
        repository=repository_id(restic),
        snapshots=tuple(sorted(found, key=lambda one: one.taken_at)),
        packs=packs,
        indexes=indexes,
        releases={tag: one.id for one in listed if "release" in one.tags for tag in one.tags - {"release"}},
    )
    save_known(home, place.name, taken)


def _read_all(mounted: Path, listed: Iterable[Snapshot]) -> list[KnownSnapshot]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        read = pool.map(lambda one: _read(one, mounted / "ids" / one.id / DATA_PATH.lstrip("/")), listed)
        return [one for one in read if one is not None]


def _read(snapshot: Snapshot, data: Path) -> KnownSnapshot | None:
    """A snapshot out of what travels in it; it was written by us."""
    try:
        summary = summarise(data)
        release = json.loads((data / ".stead/release.json").read_text())
        inventory = json.loads((data / ".stead/inventory.json").read_text())
        return KnownSnapshot(
            id=snapshot.id,
            taken_at=snapshot.began_at,
            files=summary.files,
            size=summary.size,
            folders=summary.folders,
            inventory={name: Inventory(one["totals"], one["parts"]) for name, one in inventory.items()},
            release=release["id"],
            manifest=summary.digest,
            good=(snapshot.files, snapshot.size) == (summary.files, summary.size),
        )
    except (SteadError, OSError, ValueError, KeyError, TypeError):
        return None
