"""The picture a backup is made of: what travels in it, what was counted in it, and a time that no other one has."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stead import backup as copies
from stead import data, services
from stead.records import Records
from stead.rehearsal.inventory import count, to_json
from stead.rehearsal.known import place_settings
from stead.release import Release
from stead.services.identity import WATCH, Accounts
from stead.settings import Settings
from stead.words.declaration import Inventory, Saved
from stead.words.home import Home
from stead.words.picture import Picture
from stead.words.verdict import Finding, Severity

_SECOND = timedelta(seconds=1)
_MEANT = (
    "nothing is pruned until you look: stead backup list shows the older backups; if it was meant: stead backup accept"
)


@dataclass(frozen=True)
class Taken:
    """A picture, and what was counted in it."""

    picture: Picture
    inventory: dict[str, Inventory]


def take(home: Home, settings: Settings, release: Release, kept: Mapping[str, str | None]) -> Taken:
    """A picture for the places in ``kept`` (each with the snapshot of the programs in it, None: none yet).

    Everything that must travel is in it: settings, the release's recipe and where it lies, counts.
    """
    apart(home, kept)
    travelling = {
        "settings.toml": home.settings_file.read_bytes() if home.settings_file.exists() else b"",
        "release.json": json.dumps({"id": release.id, "snapshots": {k: v for k, v in kept.items() if v}}).encode(),
        "recipe.json": (release.folder / "release.json").read_bytes(),
    }
    left_out, inventory = _not_saved(), dict[str, Inventory]()

    def finish(root: Path) -> None:
        _count(settings, root, inventory)
        copies.manifest_maker(left_out)(root)

    return Taken(data.picture_with(home, travelling, leave_out=left_out, finish=finish), inventory)


def apart(home: Home, places: Iterable[str]) -> None:
    """Wait until the second of the newest backup in ``places`` (or of one on its way there) is over.

    Restic is given whole seconds: of two backups within one nobody could say which is the later, and what was there
    when. On a quick computer two typed one after the other can be so near.
    """
    made = [one.taken_at for one in data.list_pictures(home) if one.for_backup]
    made += [one.taken_at for place in places for one in copies.load_known(home, place).snapshots]
    if not made:
        return
    left = max(made).replace(microsecond=0) + _SECOND - datetime.now(UTC)
    # More than a second: the clock was set back, and no waiting makes that good.
    if timedelta(0) < left <= _SECOND:
        time.sleep(left.total_seconds())


def watch(home: Home, settings: Settings, taken: Taken) -> None:
    """Changes that look wrong are alarms; the backup is made all the same, and nothing older is pruned."""
    names = [place.name for place in place_settings(home, settings, None)]
    wrong = copies.watch_changes(home, taken.picture, taken.inventory, names)
    findings = [Finding(one.id, Severity.ALARM, one.what, "", _MEANT) for one in wrong]
    with Records(home.records) as records:
        records.set_findings("changes", findings, datetime.now(UTC))


def _count(settings: Settings, root: Path, into: dict[str, Inventory]) -> None:
    """Count the picture in the making, and write the count into it."""
    users = (*(account.name for account in Accounts(root, settings.name).list()), WATCH)
    into.update(count(services.SERVICES, root, users))
    (root / data.HOST_FOLDER / "inventory.json").write_text(to_json(into))


def _not_saved() -> Sequence[str]:
    return [folder.path for folder in services.data_folders() if folder.saved is Saved.NO]
