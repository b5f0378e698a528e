"""A backup: a picture with its inventory in it, copied to every place, each place judged on its own."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from stead import backup as copies
from stead import data
from stead.backup import Place
from stead.live.beside import side_by_side
from stead.live.picture import Taken, take, watch
from stead.records import Records, Snapshot
from stead.rehearsal.known import current_release, place_settings, restic_program
from stead.rehearsal.lock import held
from stead.release import Release
from stead.settings import PlaceSetting, Settings
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.progress import Progress
from stead.words.verdict import Verdict, verdict_of, worst

#: Seconds after which a backup that still runs is no part of the ordinary round.
_PATIENCE = 300.0
#: Top folders of data that can never be without a file once the server ran.
_EXPECTED = ("identity", "keys")


@dataclass(frozen=True)
class Saving:
    """How the backup to one place ended. ``added`` are bytes sent there; ``reason`` is None when all is well, ``next``
    what the owner can do about it, where that is known."""

    place: str
    verdict: Verdict
    snapshot: str | None
    seconds: float
    reason: str | None
    files: int = 0
    size: int = 0
    added: int = 0
    next: str | None = None


def backup(
    home: Home, settings: Settings, progress: Progress, place: str | None = None, *, by_keeper: bool = False
) -> tuple[Saving, ...]:
    """Back up to every place (or the one named); a place that fails or hangs never stops another.

    The picture, its count and its manifest are made once and go to all of them, side by side. Each outcome is recorded
    when it is known, and the next backup need not wait for the last one: a first upload may take days.
    ``by_keeper``: a place in its quiet hours is left alone, and so is one that is still being written to.
    """
    chosen = place_settings(home, settings, place)
    if by_keeper:
        chosen = tuple(one for one in chosen if not _left_alone(home, one))
    with ExitStack() as picture:
        with held(home, "backup", wait=60):
            release = current_release(home)
            ready = side_by_side(chosen, lambda one, _: _ready(home, release, one), progress)
            opened = [one for one in ready if isinstance(one, _Ready)]
            savings = [one for one in ready if isinstance(one, Saving)]
            taken = _take(home, settings, release, opened, progress) if opened else []
            if isinstance(taken, Taken):
                picture.enter_context(data.used(home, taken.picture))
        for saving in (*savings, *(taken if isinstance(taken, list) else ())):
            _record(home, saving)
        if isinstance(taken, Taken):
            savings += _save_all(home, release, opened, taken, progress, by_keeper=by_keeper)
        else:
            savings += taken
    named = [one.name for one in chosen]
    return tuple(sorted(savings, key=lambda saving: named.index(saving.place)))


def _left_alone(home: Home, place: PlaceSetting) -> bool:
    return copies.resting(place, datetime.now()) or copies.busy(home, place.name)


def _record(home: Home, saving: Saving) -> None:
    now = datetime.now(UTC)
    with Records(home.records) as records:
        records.save_proof("backup", saving.verdict, now, saving.seconds, asdict(saving))
        records.set_state(f"backup {saving.place}", saving.verdict.value, saving.reason or "done", now)


@dataclass(frozen=True)
class _Ready:
    """A place that is open. ``release``: the snapshot of the programs in it, if they are there already; ``left`` are
    bytes that may go there."""

    place: Place
    release: str | None
    left: int | None = None

    @property
    def name(self) -> str:
        """The place's name."""
        return self.place.name


def _ready(home: Home, release: Release, wanted: PlaceSetting) -> _Ready | Saving:
    began = time.monotonic()
    try:
        program = restic_program(home)
        limits = copies.Limits(wanted.upload_limit, wanted.download_limit)
        place, made = copies.ensure_place(
            home, wanted.name, wanted.url, program, credentials_file=wanted.credentials_file, limits=limits
        )
        if not made:
            copies.adopt_found(home, place, program)
        kept = copies.load_known(home, place.name).releases.get(release.id)
        return _Ready(place, kept, copies.left_this_month(home, wanted))
    except SteadError as trouble:
        return _failed(wanted.name, began, trouble)


def _take(
    home: Home, settings: Settings, release: Release, ready: Sequence[_Ready], progress: Progress
) -> Taken | list[Saving]:
    """One picture for every place that is ready; without one, why, for each of them."""
    began = time.monotonic()
    try:
        with progress.step("a picture of data, counted"):
            taken = take(home, settings, release, {one.name: one.release for one in ready})
    except SteadError as trouble:
        return [_failed(one.name, began, trouble) for one in ready]
    watch(home, settings, taken)
    copies.carry_manifest(taken.picture.path, home.data)
    return taken


def _save_all(
    home: Home, release: Release, ready: Sequence[_Ready], taken: Taken, progress: Progress, *, by_keeper: bool
) -> list[Saving]:
    """The picture into every place. The keeper is told when only slow ones are left."""

    def save(one: _Ready, told: Progress) -> Saving:
        saving = _with_programs(home, release, one, _save(home, release, one, taken, told), told)
        _record(home, saving)
        return saving

    note = home.long_acts / str(os.getpid())
    try:
        return side_by_side(
            ready, save, progress,
            patience=_PATIENCE if by_keeper else None, out_of_patience=lambda: _note(note),
        )  # fmt: skip
    finally:
        note.unlink(missing_ok=True)


def _note(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


def _save(home: Home, release: Release, ready: _Ready, taken: Taken, progress: Progress) -> Saving:
    began, place = time.monotonic(), ready.place
    try:
        with progress.step(f"backup to {place.name}"):
            outcome = copies.run_backup(
                home, place, restic_program(home), taken.picture, inventory=taken.inventory, release=release.id,
                progress=progress, expected=_EXPECTED, most=ready.left,
            )  # fmt: skip
    except SteadError as trouble:
        return _failed(place.name, began, trouble)
    if outcome.snapshot is not None and outcome.verdict is Verdict.PASS:
        detail = {"files": outcome.files, "size": outcome.size, "added": outcome.added}
        with Records(home.records) as records:
            records.save_snapshot(Snapshot(place.name, outcome.snapshot, taken.picture.taken_at, release.id, detail))
    return Saving(
        place=place.name,
        verdict=outcome.verdict,
        snapshot=outcome.snapshot,
        seconds=outcome.seconds,
        reason=copies.first(outcome.problems, 3) or None,
        next=f"see what still comes back: stead drill --full --place {place.name}" if outcome.problems else None,
        files=outcome.files,
        size=outcome.size,
        added=outcome.added,
    )


def _with_programs(home: Home, release: Release, ready: _Ready, saving: Saving, progress: Progress) -> Saving:
    """After data, which nothing can make anew, the programs; they are there already but once."""
    if saving.snapshot is None:
        return saving
    left = None if ready.left is None else max(0, ready.left - saving.added)
    try:
        _keep_release(home, ready.place, restic_program(home), release, progress, most=left)
    except SteadError as trouble:
        why = f"data is there; the programs could not be put beside it: {trouble.message}"
        reason = f"{saving.reason}; {why}" if saving.reason else why
        return replace(saving, verdict=worst((saving.verdict, verdict_of(trouble))), reason=reason, next=trouble.hint)
    return saving


def _failed(place: str, began: float, trouble: SteadError) -> Saving:
    verdict = verdict_of(trouble)
    return Saving(place, verdict, None, time.monotonic() - began, trouble.message, next=trouble.hint)


def _keep_release(
    home: Home, place: Place, program: Path, release: Release, progress: Progress, *, most: int | None
) -> str:
    """The release goes into the place, too: a new computer boots programs and data from there."""
    files = {name: release.folder / name for name in ("release.json", "manifest.jsonl", "sbom.cdx.json")}
    files |= {f"tools/{name}": release.folder / "tools" / name for name in release.tools}
    with progress.step(f"the release, into {place.name}"):
        return copies.ensure_release_in_place(
            home, place, program, release.id, tree=release.tree, files=files, progress=progress,
            most=most,
        )  # fmt: skip
