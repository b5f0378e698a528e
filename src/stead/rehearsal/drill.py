"""A drill: a backup mounted cold, booted in a sealed network, probed, counted, judged, and removed without a trace."""

from __future__ import annotations

import errno
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from stead import backup, machine
from stead.records import Records
from stead.rehearsal import coverage, layers, outside
from stead.rehearsal.assemble import bring_up, plan, watch_password
from stead.rehearsal.choice import HOST, PLACE, Choice, Wanted, choose
from stead.rehearsal.copy import Copy, open_copy, restore, with_cause
from stead.rehearsal.counter import Counting
from stead.rehearsal.inventory import vanished
from stead.rehearsal.known import restic_program
from stead.rehearsal.lock import held
from stead.rehearsal.report import DrillReport, Facts, Step, judge, recovery_point
from stead.services import tls
from stead.services.identity import WATCH, Accounts
from stead.settings import Settings
from stead.words.age import Age
from stead.words.errors import SteadError, UnprovenError, UsageError
from stead.words.home import Home
from stead.words.machine import NetworkKind
from stead.words.progress import Progress
from stead.words.quantities import say_size
from stead.words.verdict import Verdict, verdict_of

#: The steps that a recovery takes, too.
_RECOVERY = ("restore", "mount", "boot", "probe")


@dataclass
class _Run:
    """One drill under way, filled as it goes, so that one that breaks off still reports what it reached."""

    home: Home
    settings: Settings
    wanted: Wanted
    progress: Progress
    budget: int | None = None
    name: str = field(default_factory=lambda: f"r-{secrets.token_hex(3)}")
    steps: list[Step] = field(default_factory=list)
    choice: Choice | None = None
    facts: Facts | None = None
    counted: coverage.Counted | None = None
    restored: Path | None = None

    @contextmanager
    def step(self, name: str, words: str) -> Iterator[None]:
        """One step of the contract, timed."""
        began = time.monotonic()
        try:
            with self.progress.step(words):
                yield
        finally:
            self.steps.append(Step(name, round(time.monotonic() - began, 3)))


def drill(
    home: Home,
    settings: Settings,
    progress: Progress,
    *,
    full: bool = False,
    place: str | None = None,
    snapshot: str | None = None,
    release: str | None = None,
    age: str | None = None,
    opened: backup.Place | None = None,
    notes: tuple[str, ...] = (),
    budget: int | None = None,
) -> DrillReport:
    """Rehearse the recovery of a backup and store the proof. What it found is its verdict, never an exception.

    For the choices see :class:`stead.rehearsal.choice.Wanted`; one that cannot be (an unknown place) is a UsageError.
    ``notes`` go into the proof. ``budget``: bytes that may be read of the place; None: any number, for the owner asked.
    A full drill restores before it takes the drills' lock: the hourly ones go on.
    """
    run = _Run(home, settings, Wanted(full, place, snapshot, release, age, opened), progress, budget=budget)
    with ExitStack() as stack:
        ended = None
        if full:
            stack.enter_context(held(home, "full-drill"))
            ended = _tried(lambda: _restore(run, stack))
        if ended is None:
            stack.enter_context(held(home, "drill", wait=3600 if full else 600))
            ended = _tried(lambda: _rehearse(run)) or (Verdict.PASS, None)
    verdict, reason = ended
    report = replace(_report(run, verdict, reason), opened_by="kit" if opened else "host")
    report = replace(report, notes=(*report.notes, *notes))
    now = datetime.now(UTC)
    with Records(home.records) as records:
        seconds = sum(step.seconds for step in run.steps)
        proof = records.save_proof("drill", verdict, now, seconds, report.to_json())
        records.set_state(f"{_kind(report)} {report.place}", verdict.value, reason or "passed", now)
        if full and verdict is Verdict.PASS:
            # Proofs go after some weeks; the deadline of the next full drill is counted from this one.
            records.note(f"full-drill {report.place}", {"proof": proof, "notes": list(report.notes)}, now)
    return replace(report, proof=proof)


def _kind(report: DrillReport) -> str:
    """Each kind of drill has state rows of its own: none hides another."""
    if report.method == "full":
        return "full drill"
    return "drill" if report.age == Age.NEWEST else f"drill of {report.age}"


_Ended = tuple[Verdict, str | None]


def _tried(work: Callable[[], _Ended | None]) -> _Ended | None:
    try:
        return work()
    except UsageError:
        raise
    except SteadError as trouble:
        return verdict_of(trouble), trouble.message


def _restore(run: _Run, stack: ExitStack) -> None:
    """The first half of a full drill."""
    run.choice = choose(run.home, run.settings, run.wanted)
    files, size = run.choice.snapshot.files, run.choice.snapshot.size
    _require_budget(run, size, f"all of it is {say_size(size)}")
    target = stack.enter_context(layers.restored_folder(run.home, run.name, files=files, size=size))
    with run.step("restore", f"restore all of {run.choice.place.name} and compare every byte"):
        run.restored = restore(run.home, run.choice, target, run.progress)


def _require_budget(run: _Run, needed: int, words: str) -> None:
    if run.budget is not None and needed > run.budget:
        raise UnprovenError(
            f"{words}, and {say_size(run.budget)} may still be read of the place this month",
            hint="raise its bytes_a_month or cost_a_month; or make one by hand: stead drill",
        )


def _rehearse(run: _Run) -> _Ended:
    layers.sweep(run.home)
    layers.require_room(run.home)
    choice = run.choice = run.choice or choose(run.home, run.settings, run.wanted)
    if run.restored is None:
        # What a mounted drill reads is known afterwards; it is little.
        _require_budget(run, 1, "it is read from the place")
    with ExitStack() as stack:
        folder = stack.enter_context(layers.folder(run.home, run.name))
        with run.step("mount", f"open {choice.place.name} and mount the backup, cold"):
            copy = open_copy(run.home, choice, folder, stack, restored=run.restored)
        stack.callback(machine.stop, run.home, run.name)
        try:
            run.facts = _prove(run, choice, copy)
        except UnprovenError:
            raise
        except SteadError as trouble:
            raise SteadError(_with_cause(run, choice, copy, trouble.message)) from trouble
        except OSError as trouble:
            raise _from_disk(run, choice, copy, trouble) from trouble
        verdict, reason = judge(run.facts)
        if verdict is Verdict.FAIL and not run.facts.losses:
            reason = _with_cause(run, choice, copy, reason or "")
        began = time.monotonic()
    run.steps.append(Step("remove", round(time.monotonic() - began, 3)))
    return verdict, reason


def _prove(run: _Run, choice: Choice, copy: Copy) -> Facts:
    """Boot, probe, count; everything seen, not yet judged."""
    home, settings = run.home, run.settings
    recorded = choice.snapshot.inventory
    with ExitStack() as stack:
        with run.step("boot", "boot it in a sealed network"):
            users = _make_usable(home, settings, copy.data)
            units = coverage.order(coverage.units_of(recorded, users), recorded, users)
            now = coverage.this_time(home, units, recorded, users, whole=run.wanted.full)
            counting = Counting(copy.saved, now)
            stack.callback(counting.give_up)
            wanted = plan(
                home, settings, name=run.name, tree=copy.tree, data=copy.data,
                network=NetworkKind.SEALED,
            )  # fmt: skip
            booted, target = bring_up(home, settings, wanted, run.progress)
            unsealed = machine.prove_sealed(booted)
        with run.step("probe", "read the markers and probe every capability"):
            markers, probes = outside.drill(target, booted.netns)
        with run.step("compare", "compare what came back with what was saved"):
            run.counted = coverage.collect(
                home, counting, units, recorded, users, whole=run.wanted.full, keep=choice.newest
            )
            losses = backup.losses(home, choice.place, restic_program(home))
    return Facts(
        # What a full drill took hours to restore was the newest when it began.
        newest_snapshot=choice.newest and not run.wanted.full,
        snapshot_time=choice.snapshot.taken_at,
        now=datetime.now(UTC),
        lose_at_most=settings.goals.lose_at_most,
        markers=markers,
        probes=probes,
        differences=run.counted.differences,
        vanished=vanished(choice.before.inventory, choice.snapshot.inventory) if choice.before else (),
        place_errors=copy.errors(),
        losses=losses,
        unsealed=unsealed,
    )


def _with_cause(run: _Run, choice: Choice, copy: Copy, reason: str) -> str:
    """``reason`` with what lies behind it; raises when it is only that this computer's disk is full."""
    layers.require_room(run.home, layers.FULL)
    return with_cause(run.home, choice, copy, reason)


def _from_disk(run: _Run, choice: Choice, copy: Copy, trouble: OSError) -> SteadError:
    """A full disk of this computer proves nothing about the backup; anything else was unreadable in the backup."""
    words = f"{trouble.filename}: {trouble.strerror}" if trouble.filename else str(trouble)
    if trouble.errno in (errno.ENOSPC, errno.EDQUOT):
        return UnprovenError(f"this computer's disk is full: {words}", hint="free some space, then: stead drill")
    return SteadError(_with_cause(run, choice, copy, f"data could not be read: {words}"))


def _make_usable(home: Home, settings: Settings, data: Path) -> tuple[str, ...]:
    """What any recovery does to old data before it boots: our own login, a certificate that is not over.

    Returns the users whose things must be there.
    """
    accounts = Accounts(data, settings.name)
    accounts.ensure_watch(watch_password(home))
    tls.ensure_certificate(home, data, tls.names_for(settings.name, settings.hostname), datetime.now(UTC))
    return (*(account.name for account in accounts.list()), WATCH)


def _report(run: _Run, verdict: Verdict, reason: str | None) -> DrillReport:
    choice, facts, counted = run.choice, run.facts, run.counted
    left_out = [f"not counted this time: {u.service} of {u.user or 'all'}" for u in counted.left_out] if counted else []
    return DrillReport(
        verdict=verdict,
        reason=reason,
        snapshot=choice.snapshot.id if choice else run.wanted.snapshot,
        place=choice.place.name if choice else run.wanted.place,
        release=choice.release if choice else None,
        release_from=PLACE if choice and choice.release_snapshot else HOST,
        method="full" if run.wanted.full else "mounted",
        recovery_point_seconds=recovery_point(facts) if facts else None,
        recovery_time_seconds=round(sum(s.seconds for s in run.steps if s.name in _RECOVERY), 3) if facts else None,
        steps=tuple(run.steps),
        probes=facts.probes if facts else (),
        inventory=counted.totals() if counted else {},
        notes=tuple(left_out),
        age=choice.age.value if choice else run.wanted.age or Age.NEWEST.value,
    )
