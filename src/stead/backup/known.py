"""What this host knows it put into a place: snapshots, packs, releases. A place is never believed about itself."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from stead.settings import RetentionSettings
from stead.words.declaration import Inventory
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.quantities import read_time, say_time

_SCHEMA = 1


@dataclass(frozen=True)
class KnownSnapshot:
    """One backup as it was made. ``taken_at`` is the picture's time: what came later is not in it.

    ``good`` False: it was stored, and something about it was wrong. ``folders`` counts files per top folder of data.
    """

    id: str
    taken_at: datetime
    files: int
    size: int
    folders: Mapping[str, int]
    inventory: Mapping[str, Inventory]
    release: str
    manifest: str
    good: bool


@dataclass(frozen=True)
class Known:
    """Everything known of one place. ``busy``: a program of ours was writing and has not said that it ended.

    ``pruning``: these were to be forgotten by a pruning that has not said that it ended (None: none is under way);
    until it has, which packs and indexes must be there is not known. ``elsewhere``: somebody else prunes the place by
    this rule.
    """

    repository: str | None = None
    snapshots: tuple[KnownSnapshot, ...] = ()
    packs: frozenset[str] = frozenset()
    indexes: frozenset[str] = frozenset()
    releases: Mapping[str, str] = field(default_factory=dict)
    busy: bool = False
    pruning: frozenset[str] | None = None
    elsewhere: RetentionSettings | None = None

    @property
    def expected_snapshots(self) -> frozenset[str]:
        """Ids that must be in the place: backups and releases."""
        return frozenset(snapshot.id for snapshot in self.snapshots) | frozenset(self.releases.values())

    @property
    def newest(self) -> KnownSnapshot | None:
        """The newest backup that was good when it was made."""
        good = [snapshot for snapshot in self.snapshots if snapshot.good]
        return max(good, key=lambda snapshot: snapshot.taken_at, default=None)

    def snapshot(self, id_: str) -> KnownSnapshot | None:
        """What is known of the snapshot whose id begins with ``id_``."""
        return next((snapshot for snapshot in self.snapshots if snapshot.id.startswith(id_)), None)

    def with_snapshot(self, snapshot: KnownSnapshot) -> Known:
        """The same, with one backup more."""
        return replace(self, snapshots=(*self.snapshots, snapshot))


def file_of(home: Home, place: str) -> Path:
    """The file that holds what is known of a place."""
    return home.lib / "places" / f"{place}.json"


def load_known(home: Home, place: str) -> Known:
    """What is known of a place; nothing if it was never used."""
    file = file_of(home, place)
    try:
        raw = json.loads(file.read_bytes())
        return _read(raw)
    except FileNotFoundError:
        return Known()
    except (ValueError, KeyError, TypeError) as damaged:
        raise SteadError(
            f"the file {file} is damaged ({damaged!r})",
            hint="move it away: the next backup writes a new one, from then on losses in the place are noticed again",
        ) from None


def save_known(home: Home, place: str, known: Known) -> None:
    """Replace what is known of a place, whole or not at all."""
    file = file_of(home, place)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(file.name + ".new")
    with new.open("w") as handle:
        json.dump(_write(known), handle)
        handle.flush()
        os.fsync(handle.fileno())
    new.replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(folder)
    os.close(folder)


def _write(known: Known) -> dict[str, Any]:
    return {
        "schema": _SCHEMA,
        "repository": known.repository,
        "snapshots": [asdict(s) | {"taken_at": say_time(s.taken_at)} for s in known.snapshots],
        "packs": sorted(known.packs),
        "indexes": sorted(known.indexes),
        "releases": dict(known.releases),
        "busy": known.busy,
        "pruning": None if known.pruning is None else sorted(known.pruning),
        "elsewhere": None if known.elsewhere is None else asdict(known.elsewhere),
    }


def _read(raw: Mapping[str, Any]) -> Known:
    return Known(
        repository=raw["repository"],
        snapshots=tuple(_snapshot(one) for one in raw["snapshots"]),
        packs=frozenset(raw["packs"]),
        indexes=frozenset(raw["indexes"]),
        releases=dict(raw["releases"]),
        busy=bool(raw["busy"]),
        # Files written before there was any pruning know nothing of it.
        pruning=None if raw.get("pruning") is None else frozenset(raw["pruning"]),
        elsewhere=RetentionSettings(**raw["elsewhere"]) if raw.get("elsewhere") else None,
    )


def _snapshot(raw: Mapping[str, Any]) -> KnownSnapshot:
    inventory = {name: Inventory(one["totals"], one["parts"]) for name, one in raw["inventory"].items()}
    return KnownSnapshot(**{**raw, "taken_at": read_time(raw["taken_at"]), "inventory": inventory})
