"""Pruning every place by the owner's rule: each judged and proven on its own, and its rows follow what is listed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from stead import backup as copies
from stead.backup import Place, Pruned
from stead.records import Records
from stead.rehearsal.known import current_release, place_settings, places, restic_program
from stead.settings import PlaceSetting, Settings
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.progress import Progress
from stead.words.quantities import say_time
from stead.words.verdict import Finding, Severity, Verdict, verdict_of

#: What may go from a place that somebody else prunes, and is still there after this many days, is told.
_WAITING_DAYS = 31


@dataclass(frozen=True)
class _Tried:
    setting: PlaceSetting
    outcome: Pruned


def prune(
    home: Home,
    settings: Settings,
    progress: Progress,
    place: str | None = None,
    *,
    dry_run: bool = False,
    by_keeper: bool = False,
) -> tuple[Pruned, ...]:
    """Prune every place (or the one named); a place that fails never stops another.

    ``by_keeper``: a place in its quiet hours is left alone.
    """
    tried = []
    for setting in place_settings(home, settings, place):
        if by_keeper and copies.resting(setting, datetime.now()):
            continue
        with progress.step(f"pruning {setting.name}"):
            tried.append(_Tried(setting, _one(home, settings, setting, datetime.now(UTC), dry_run=dry_run)))
    if not dry_run:
        for one in tried:
            _record(home, settings, one)
    return tuple(one.outcome for one in tried)


def pruned_elsewhere(setting: PlaceSetting) -> bool:
    """Whether a place only takes additions from here, and nothing here may delete from it."""
    return setting.append_only and setting.prune_credentials_file is None


def _one(home: Home, settings: Settings, setting: PlaceSetting, now: datetime, *, dry_run: bool) -> Pruned:
    order = copies.Order(
        settings.retention,
        current_release(home).id,
        setting.prune_credentials_file,
        elsewhere=pruned_elsewhere(setting),
        dry_run=dry_run,
    )
    try:
        return copies.prune(home, _place(home, settings, setting), restic_program(home), order, now)
    except SteadError as trouble:
        verdict = verdict_of(trouble)
        return Pruned(setting.name, verdict, (), (), 0, 0.0, trouble.message, order.elsewhere)


def _place(home: Home, settings: Settings, setting: PlaceSetting) -> Place:
    return next(iter(places(home, settings, setting.name)))


def _record(home: Home, settings: Settings, one: _Tried) -> None:
    now, done = datetime.now(UTC), one.outcome
    seen = {
        "place": done.place, "removed": len(done.removed), "waiting": len(done.waiting), "kept": done.kept,
        "elsewhere": done.elsewhere, "reason": done.reason,
    }  # fmt: skip
    with Records(home.records) as records:
        records.save_proof("prune", done.verdict, now, done.seconds, seen)
        records.set_state(f"prune {done.place}", done.verdict.value, done.reason or "done", now)
        if done.verdict is Verdict.PASS:
            rows = {snapshot.id for snapshot in records.snapshots(done.place)}
            records.forget_snapshots(done.place, rows - done.listed)
        records.set_findings(f"prune {done.place}", _findings(home, settings, done, now), now)


def _findings(home: Home, settings: Settings, done: Pruned, now: datetime) -> list[Finding]:
    if done.verdict is Verdict.FAIL:
        what = f"the place {done.place} could not be pruned rightly: {done.reason}"
        again = f"correct the cause, then: stead backup prune --place {done.place}"
        return [Finding(f"prune-failed:{done.place}", Severity.ALARM, what, "", again)]
    if not done.elsewhere or done.verdict is not Verdict.PASS:
        return []
    known = copies.load_known(home, done.place)
    old = [one.taken_at for one in known.snapshots if one.id in done.waiting and _long_ago(one.taken_at, now)]
    if not old:
        return []
    what = (
        f"the place {done.place} cannot be pruned from here, and nobody else does: {len(done.waiting)} backups may go, "
        f"the oldest of {say_time(min(old))}"
    )
    next_step = f"where deleting is allowed, type: {copies.command_elsewhere(settings.retention)}"
    return [Finding(f"prune-elsewhere:{done.place}", Severity.NOTE, what, "", next_step)]


def _long_ago(moment: datetime, now: datetime) -> bool:
    return (now - moment).days >= _WAITING_DAYS
