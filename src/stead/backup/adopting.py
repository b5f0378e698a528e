"""Taking over a place that another computer of the owner filled: what is in it becomes what is known."""

from __future__ import annotations

import json
from pathlib import Path

from stead.backup.cycle import really_there
from stead.backup.known import Known, KnownSnapshot, save_known
from stead.backup.locks import writing
from stead.backup.manifest import summarise
from stead.backup.place import Place
from stead.backup.restic import Restic, Snapshot, repository_id
from stead.words.declaration import Inventory
from stead.words.home import Home


def adopt(home: Home, place: Place, program: Path, snapshot: Snapshot, data: Path) -> None:
    """Know from now on everything the place holds, and the one ``snapshot`` that came back whole as ``data``.

    Backups go on in the same place, and what disappears from it after this is noticed. ``data`` was written by us and
    compared with its manifest before.
    """
    restic = Restic(program, place)
    summary, travelled = summarise(data), data / ".stead"
    release = json.loads((travelled / "release.json").read_text())
    inventory = json.loads((travelled / "inventory.json").read_text())
    with writing(home, place):
        repository = repository_id(restic)
        packs, listed, indexes = really_there(restic)
        at = release.get("snapshots", {}).get(place.name) or release.get("snapshot")
        kept = KnownSnapshot(
            id=snapshot.id,
            taken_at=snapshot.began_at,
            files=summary.files,
            size=summary.size,
            folders=summary.folders,
            inventory={name: Inventory(one["totals"], one["parts"]) for name, one in inventory.items()},
            release=release["id"],
            manifest=summary.digest,
            good=True,
        )
        releases = {release["id"]: at} if at in listed else {}
        save_known(home, place.name, Known(repository, (kept,), packs, indexes, releases))
