"""The release in the place: a new computer boots programs and data from the same place."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from stead.backup.cycle import backup_bound
from stead.backup.known import load_known, save_known
from stead.backup.locks import writing
from stead.backup.manifest import walk
from stead.backup.opening import open_place
from stead.backup.place import Place
from stead.backup.restic import RELEASE_PATH, Restic, list_ids
from stead.backup.troubles import first
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.progress import Progress


def ensure_release_in_place(
    home: Home,
    place: Place,
    program: Path,
    release: str,
    *,
    tree: Path,
    files: Mapping[str, Path],
    progress: Progress,
    most: int | None = None,
) -> str:
    """Put a release into the place once and return its snapshot's id (to be written into data snapshots).

    ``tree`` is stored as ``/run/stead/release/tree``, each of ``files`` (manifest, release.json, tools ...) beside it
    under its name. A release that was stored and is gone from the place is stored again; not beyond ``most`` bytes.
    """
    restic = Restic(program, place, home.lib / "cache/restic")
    with writing(home, place):
        known = load_known(home, place.name)
        there = known.releases.get(release)
        if there is not None and there in list_ids(restic, "snapshots"):
            return there
        repository = open_place(home, restic)
        binds = {tree: f"{RELEASE_PATH}/tree"} | {file: f"{RELEASE_PATH}/{name}" for name, file in files.items()}
        # One folder to back up: what is bound lies in it.
        ended = backup_bound(home, restic, binds, f"release,{release}", progress, top=RELEASE_PATH, most=most)
        count = sum(_count(source) for source in binds)
        problems = list(ended.errors)
        stored = int(ended.summary.get("total_files_processed", 0))
        if stored != count:
            problems.append(f"{stored} files were stored, the release holds {count}")
        known = replace(load_known(home, place.name), repository=repository, busy=False)
        snapshot = str(ended.summary["snapshot_id"])
        if not problems:
            known = replace(known, releases={**known.releases, release: snapshot})
        packs, indexes = list_ids(restic, "packs"), list_ids(restic, "index")
        save_known(home, place.name, replace(known, packs=known.packs | packs, indexes=known.indexes | indexes))
    if problems:
        raise SteadError(f"the release was not stored whole at the place {place.name}: {first(problems)}")
    return snapshot


def _count(source: Path) -> int:
    if not source.is_dir():
        return 1
    return sum(stat.S_ISREG(info.st_mode) for _path, info in walk(source))
