"""One backup: a picture, at its constant path, into a place, and then judged. Restic's exit code alone proves nothing.

Restic ends with 0 when a source is missing or empty, when files vanish, and when a pack it builds on is gone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from stead.backup.known import Known, KnownSnapshot, load_known, save_known
from stead.backup.locks import writing
from stead.backup.manifest import Summary, summarise
from stead.backup.opening import open_place
from stead.backup.place import Place
from stead.backup.restic import DATA_PATH, Restic, list_ids, unlock
from stead.backup.retention import let_go_on_purpose
from stead.backup.traffic import counted
from stead.backup.troubles import PlaceBusy, trouble
from stead.backup.walking import HOST_FOLDER
from stead.backup.work import Ended, work
from stead.words.declaration import Inventory
from stead.words.home import Home
from stead.words.picture import Picture
from stead.words.progress import Progress
from stead.words.verdict import Verdict

_LOCKED = 11


@dataclass(frozen=True)
class BackupOutcome:
    """What became of one backup. ``snapshot`` is None when none was stored; ``added`` are bytes sent to the place.

    ``problems`` are sentences; any of them makes the verdict ``fail``, whether or not a snapshot was stored.
    """

    place: str
    verdict: Verdict
    snapshot: str | None
    picture: Picture
    files: int
    size: int
    added: int
    seconds: float
    problems: tuple[str, ...]


def run_backup(
    home: Home,
    place: Place,
    program: Path,
    picture: Picture,
    *,
    inventory: Mapping[str, Inventory],
    release: str,
    progress: Progress,
    expected: Sequence[str] = (),
    most: int | None = None,
) -> BackupOutcome:
    """Back up ``picture`` (made with ``manifest_maker``) into ``place`` and judge the result.

    ``inventory`` and ``release`` are remembered with the snapshot; ``expected`` are top folders of data that must be
    there; ``most`` the bytes that may be sent (None: any). Raises the nouns of ``troubles`` when the place cannot be
    used; a bad backup is an outcome, not an error.
    """
    began = time.monotonic()
    restic = Restic(program, place, home.lib / "cache/restic")
    summary = summarise(picture.path)
    before = _source_problems(picture, summary, expected, load_known(home, place.name))
    with writing(home, place):
        repository = open_place(home, restic)
        ended = backup_bound(home, restic, {picture.path: DATA_PATH}, "data", progress, most=most, at=picture.taken_at)
        snapshot = str(ended.summary.get("snapshot_id", "")) or None
        known, problems = _judge(home, restic, ended, summary, snapshot)
        problems = before + problems
        if snapshot is not None:
            kept = KnownSnapshot(
                snapshot, picture.taken_at, summary.files, summary.size, summary.folders, inventory, release,
                summary.digest, good=not problems,
            )  # fmt: skip
            known = known.with_snapshot(kept)
        save_known(home, place.name, replace(known, repository=repository, busy=False))
    return BackupOutcome(
        place=place.name,
        verdict=Verdict.FAIL if problems else Verdict.PASS,
        snapshot=snapshot,
        picture=picture,
        files=int(ended.summary.get("total_files_processed", 0)),
        size=int(ended.summary.get("total_bytes_processed", 0)),
        added=int(ended.summary.get("data_added_packed", 0)),
        seconds=time.monotonic() - began,
        problems=problems,
    )


def backup_bound(
    home: Home,
    restic: Restic,
    binds: Mapping[Path, str],
    tag: str,
    progress: Progress,
    *,
    top: str = DATA_PATH,
    most: int | None = None,
    at: datetime | None = None,
) -> Ended:
    """Run ``restic backup`` of ``top``, in which ``binds`` are to be seen. Call it under ``writing``.

    ``at`` is the time the snapshot gets (default: now): that of the picture, so that everybody who counts hours and
    days, restic itself as well, counts the same.

    What a killed backup left locked is unlocked first; that we were writing is noted until the outcome is saved.
    """
    known = load_known(home, restic.place.name)
    if known.busy:
        unlock(restic)
    save_known(home, restic.place.name, replace(known, busy=True))
    words = ["backup", "--host", "stead", "--tag", tag, top]
    if known.snapshots:
        words.append("--no-scan")
    if at is not None:
        words += ["--time", at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")]

    def once() -> Ended:
        with counted(home, restic.place.name) as traffic:
            return work(restic, words, progress, binds=binds, lock=True, traffic=traffic, most=most)

    ended = once()
    if ended.code == _LOCKED:
        unlock(restic)
        ended = once()
        if ended.code == _LOCKED:
            raise PlaceBusy(f"another program is working in the place {restic.place.name}: {ended.errors[:1]}")
    if "panic:" in ended.stderr:
        # restic 0.18 itself crashed (seen once in some hundred runs); what it stored so far is used by the next run.
        unlock(restic)
        ended = once()
    if "snapshot_id" not in ended.summary:
        raise trouble(restic.place.name, ended.code or 1, ended.stderr)
    return ended


def really_there(restic: Restic) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The ids of all packs, snapshots and indexes the place lists now, asked side by side."""
    with ThreadPoolExecutor(3) as pool:
        packs, listed, indexes = pool.map(lambda kind: list_ids(restic, kind), ("packs", "snapshots", "index"))
    return packs, listed, indexes


def lost(
    known: Known, packs: frozenset[str], listed: frozenset[str], indexes: frozenset[str], now: datetime | None = None
) -> tuple[str, ...]:
    """One sentence for each kind of thing that was put into the place and is not there any more.

    What was taken out on purpose is no loss. While that is under way, packs and indexes are rewritten: which of them
    must be there is known again when the structure was checked after it (``pruning``).
    """
    found = []
    gone, excused = known.expected_snapshots - listed, let_go_on_purpose(known, now or datetime.now(UTC))
    rewritten = known.pruning is not None or bool(gone & excused)
    for noun, missing in (
        ("packs", frozenset() if rewritten else known.packs - packs),
        ("snapshots", gone - excused),
        ("indexes", frozenset() if rewritten else known.indexes - indexes),
    ):
        if missing:
            named = ", ".join(sorted(one[:8] for one in missing)[:5])
            found.append(f"{len(missing)} of its {noun} are gone from the place ({named})")
    return tuple(found)


def _judge(
    home: Home, restic: Restic, ended: Ended, summary: Summary, snapshot: str | None
) -> tuple[Known, tuple[str, ...]]:
    known = load_known(home, restic.place.name)
    packs, listed, indexes = really_there(restic)
    # What is gone comes first: it is the cause of most that restic complains about.
    problems = [*lost(known, packs, listed, indexes), *ended.errors]
    if ended.code != 0 and not ended.errors:
        problems.append(f"restic ended with code {ended.code}")
    counted = (ended.summary.get("total_files_processed"), ended.summary.get("total_bytes_processed"))
    if counted != (summary.files, summary.size):
        problems.append(
            f"{counted[0]} files ({counted[1]} bytes) were stored, the picture holds {summary.files} ({summary.size})"
        )
    if snapshot is not None and snapshot not in listed:
        problems.append("the new snapshot is not in the place")
    return replace(known, packs=known.packs | packs, indexes=known.indexes | indexes), tuple(problems)


def _source_problems(picture: Picture, summary: Summary, expected: Sequence[str], known: Known) -> tuple[str, ...]:
    problems = list(summary.problems)
    # What the host itself puts into every picture is no data.
    if not summary.folders.keys() - {HOST_FOLDER}:
        problems.append("the picture is empty")
    problems += [f"the folder {name} is missing in data" for name in expected if not (picture.path / name).is_dir()]
    newest = known.newest
    for name, count in (newest.folders if newest else {}).items():
        if count and not summary.folders.get(name) and name != HOST_FOLDER:
            problems.append(f"the folder {name} held {count} files in the backup before and holds none now")
    return tuple(problems)
