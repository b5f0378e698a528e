"""A backup: a picture with its inventory in it, copied to every place, each place judged on its own."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from stead import backup as copies
from stead import data, services
from stead.backup import Place
from stead.records import Records, Snapshot
from stead.rehearsal.inventory import count, to_json
from stead.rehearsal.known import current_release, place_settings, restic_program
from stead.rehearsal.lock import held
from stead.release import Release
from stead.services.identity import WATCH, Accounts
from stead.settings import PlaceSetting, Settings
from stead.words.declaration import Inventory, Saved
from stead.words.errors import UNPROVEN, SteadError
from stead.words.home import Home
from stead.words.progress import Progress
from stead.words.verdict import Verdict


@dataclass(frozen=True)
class Saving:
    """How the backup to one place ended. ``added`` are bytes sent there; ``reason`` is None when all is well."""

    place: str
    verdict: Verdict
    snapshot: str | None
    seconds: float
    reason: str | None
    files: int = 0
    size: int = 0
    added: int = 0


def backup(home: Home, settings: Settings, progress: Progress, place: str | None = None) -> tuple[Saving, ...]:
    """Back up to every place (or the one named); a place that fails never stops another."""
    chosen = place_settings(home, settings, place)
    with held(home, "backup", wait=60):
        release = current_release(home)
        return tuple(_save(home, settings, release, one, progress) for one in chosen)


def _save(home: Home, settings: Settings, release: Release, place: PlaceSetting, progress: Progress) -> Saving:
    began = time.monotonic()
    try:
        saving = _attempt(home, settings, release, place, progress)
    except SteadError as trouble:
        verdict = Verdict.UNPROVEN if trouble.code == UNPROVEN else Verdict.FAIL
        saving = Saving(place.name, verdict, None, time.monotonic() - began, trouble.message)
    now = datetime.now(UTC)
    with Records(home.records) as records:
        records.save_proof("backup", saving.verdict, now, saving.seconds, asdict(saving))
        records.set_state(f"backup {place.name}", saving.verdict.value, saving.reason or "done", now)
    return saving


def _attempt(home: Home, settings: Settings, release: Release, wanted: PlaceSetting, progress: Progress) -> Saving:
    program = restic_program(home)
    place, _made = copies.ensure_place(home, wanted.name, wanted.url, program, credentials_file=wanted.credentials_file)
    kept = _keep_release(home, place, program, release, progress)
    travelling = {
        "settings.toml": home.settings_file.read_bytes() if home.settings_file.exists() else b"",
        "release.json": json.dumps({"id": release.id, "snapshot": kept}).encode(),
    }
    inventory: dict[str, Inventory] = {}
    with progress.step("a picture of data, counted"):
        picture = data.picture_with(
            home, travelling, leave_out=_not_saved(), finish=lambda root: _count(home, settings, root, inventory)
        )
    try:
        with progress.step(f"backup to {place.name}"):
            outcome = copies.run_backup(
                home, place, program, picture, inventory=inventory, release=release.id, progress=progress,
                expected=_expected(),
            )  # fmt: skip
    finally:
        data.delete_picture(home, picture)
    if outcome.snapshot is not None and outcome.verdict is Verdict.PASS:
        detail = {"files": outcome.files, "size": outcome.size, "added": outcome.added}
        with Records(home.records) as records:
            records.save_snapshot(Snapshot(place.name, outcome.snapshot, picture.taken_at, release.id, detail))
    return Saving(
        place=place.name,
        verdict=outcome.verdict,
        snapshot=outcome.snapshot,
        seconds=outcome.seconds,
        reason="; ".join(outcome.problems) or None,
        files=outcome.files,
        size=outcome.size,
        added=outcome.added,
    )


def _keep_release(home: Home, place: Place, program: Path, release: Release, progress: Progress) -> str:
    """The release goes into the place, too: a new computer boots programs and data from there."""
    files = {name: release.folder / name for name in ("release.json", "manifest.jsonl", "sbom.cdx.json")}
    files |= {f"tools/{name}": release.folder / "tools" / name for name in release.tools}
    with progress.step(f"the release, into {place.name}"):
        return copies.ensure_release_in_place(
            home, place, program, release.id, tree=release.tree, files=files, progress=progress
        )


def _count(home: Home, settings: Settings, root: Path, into: dict[str, Inventory]) -> None:
    """Count the picture in the making, and write the count and the manifest into it."""
    users = (*(account.name for account in Accounts(root, settings.name).list()), WATCH)
    into.update(count(services.SERVICES, root, users))
    (root / data.HOST_FOLDER / "inventory.json").write_text(to_json(into))
    copies.manifest_maker(home)(root)


def _not_saved() -> Sequence[str]:
    return [folder.path for folder in services.data_folders() if folder.saved is Saved.NO]


def _expected() -> Sequence[str]:
    """Top folders of data that can never be without a file once the server ran."""
    return ["identity", "keys"]
