"""A backup: a picture with its inventory in it, copied to every place, each place judged on its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from stead import data, services
from stead.backup import BackupOutcome, Place, ensure_place, ensure_release_in_place, run_backup
from stead.live.lock import held
from stead.live.names import current_release, places, restic_program
from stead.records import Records, Snapshot
from stead.rehearsal.inventory import count, to_json
from stead.release import Release
from stead.services.identity import WATCH, Accounts
from stead.settings import Settings
from stead.words.declaration import Saved
from stead.words.errors import SteadError, UsageError
from stead.words.home import Home
from stead.words.progress import Progress
from stead.words.quantities import say_time
from stead.words.verdict import Verdict


@dataclass(frozen=True)
class Saving:
    """How one place's backup ended; ``reason`` None when all is well."""

    place: str
    verdict: Verdict
    snapshot: str | None
    seconds: float
    reason: str | None
    files: int = 0
    size: int = 0
    added: int = 0


def backup(home: Home, settings: Settings, progress: Progress, place: str | None = None) -> tuple[Saving, ...]:
    """Back up to every place (or the one named); one failing place never stops another."""
    chosen = [p for p in places(home, settings) if place in (None, p.name)]
    if not chosen:
        raise UsageError(f"there is no place named {place}", hint="stead backup places lists them")
    with held(home, "backup", wait=60):
        release = current_release(home)
        return tuple(_save(home, settings, release, one, progress) for one in chosen)


def _save(home: Home, settings: Settings, release: Release, place: Place, progress: Progress) -> Saving:
    began = datetime.now(UTC)
    try:
        saving = _try(home, settings, release, place, progress)
    except SteadError as trouble:
        verdict = Verdict.UNPROVEN if trouble.code == 3 else Verdict.FAIL
        seconds = (datetime.now(UTC) - began).total_seconds()
        saving = Saving(place.name, verdict, None, seconds, trouble.message)
    with Records(home.records) as records:
        records.save_proof("backup", saving.verdict, datetime.now(UTC), saving.seconds, {**asdict(saving)})
        records.set_state(f"backup {place.name}", saving.verdict.value, saving.reason or "", datetime.now(UTC))
    return saving


def _try(home: Home, settings: Settings, release: Release, place: Place, progress: Progress) -> Saving:
    restic = restic_program(home)
    ensure_place(home, place, restic)
    with progress.step(f"the release, into {place.name}"):
        kept = ensure_release_in_place(home, place, restic, release.id, release.folder, progress)
    with progress.step("a picture of data"):
        inventories: dict[str, object] = {}
        moment = datetime.now(UTC)
        travelling = {
            "settings.toml": home.settings_file.read_bytes() if home.settings_file.exists() else b"",
            "release.json": json.dumps({"id": release.id, "snapshot": kept}).encode(),
        }
        picture = data.picture_with(
            home, travelling, now=moment, leave_out=_not_saved(), finish=lambda root: _count(home, root, settings, inventories)
        )
    try:
        with progress.step(f"backup to {place.name}"):
            outcome = run_backup(home, place, restic, picture, progress)
    finally:
        data.delete_picture(home, picture)
    _record(home, place, release, moment, outcome, inventories)
    return Saving(
        place.name, outcome.verdict, outcome.snapshot, outcome.seconds, outcome.reason, outcome.files, outcome.size, outcome.added
    )


def _count(home: Home, root: Path, settings: Settings, into: dict[str, object]) -> None:
    users = (*(account.name for account in Accounts(root, settings.name).list()), WATCH)
    text = to_json(count(services.SERVICES, root, users))
    into.update(json.loads(text))
    data.write_host_files(root, {"inventory.json": text.encode()})


def _record(
    home: Home, place: Place, release: Release, moment: datetime, outcome: BackupOutcome, inventories: dict[str, object]
) -> None:
    if outcome.snapshot is None:
        return
    detail = {"inventory": inventories, "files": outcome.files, "size": outcome.size, "at": say_time(moment)}
    with Records(home.records) as records:
        records.save_snapshot(Snapshot(place.name, outcome.snapshot, moment, release.id, detail))


def _not_saved() -> Sequence[str]:
    return [folder.path for folder in services.data_folders() if folder.saved is Saved.NO]
