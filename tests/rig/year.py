"""A year of backups in simulated time: the real decisions, lists, records and judgement, with a clock of our own.

Real here: which backups stay (``retention``), what holds, the list of a place and what is missed in it (``lost``), the
turns of reading back and their state, the turns of drills, the records, and every finding with its deadline. Simulated:
the places themselves (sets of ids), and what a backup, a drill and a reading of them come to. That restic does what is
decided here is shown with a real one in ``test_pruning``, ``test_reading_back`` and ``bench/year.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from stead.backup import slices
from stead.backup.changes import Wrong
from stead.backup.cycle import lost
from stead.backup.holds import accept, holds, load_watched, save_watched
from stead.backup.known import Known, KnownSnapshot, save_known
from stead.backup.retention import choose, let_go_on_purpose
from stead.backup.slices import Damage, Reading, load_reading, save_reading
from stead.keeper.facts import Facts
from stead.keeper.looking import places
from stead.keeper.status import judge
from stead.records import CheckedProbe, Measured, Records, Snapshot
from stead.rehearsal.ages import at_age, turn
from stead.settings import Settings, parse
from stead.words.age import Age
from stead.words.home import Home
from stead.words.probe import ProbeResult
from stead.words.verdict import Severity, Verdict

BEGIN = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NAMES = ("attic", "cellar", "cloud")
_SETTINGS = '[goals]\nlose_at_most = "90m"\n[keeper]\nbackup = "1h"\n' + "".join(
    f'[[place]]\nname = "{name}"\nurl = "sftp:me@{name}:/stead"\n' for name in NAMES
)
_FULL_EVERY = 30 * DAY


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong at a place between two days. ``alarms``: what must be told, and within which time.

    ``allowed`` are beginnings of findings that may be seen because of it, until ``tail`` after its end.
    """

    name: str
    place: str
    kind: str
    begin: float
    end: float
    alarms: tuple[tuple[str, Severity, timedelta], ...]
    allowed: tuple[str, ...]
    tail: timedelta = 26 * HOUR

    def at(self, now: datetime, *, tail: bool = False) -> bool:
        return BEGIN + DAY * self.begin <= now < BEGIN + DAY * self.end + (self.tail if tail else timedelta())


_GONE = ("backup-", "drill-", "full-drill-old", "read-back-old")
FAULTS = (
    Fault("cloud cannot be reached for three weeks", "cloud", "down", 60, 81, (
        ("backup-failing", Severity.WARNING, HOUR), ("backup-old", Severity.WARNING, 3 * HOUR),
        ("backup-old", Severity.ALARM, 4 * HOUR), ("drill-unproven", Severity.WARNING, 2 * HOUR),
        ("read-back-old", Severity.WARNING, 7 * DAY),
    ), _GONE, 12 * DAY),
    Fault("an hour with the clock 400 days ahead, at cellar", "cellar", "clock", 100, 100.04, (), ("backup-old",)),
    Fault("cellar is cut off while it is pruned", "cellar", "killed", 130, 131, (), ()),
    Fault("a pack at cellar is damaged", "cellar", "damage", 150, 190, (
        ("read-back-damaged", Severity.ALARM, 30 * DAY),
    ), ("read-back-",), 3 * DAY),
    Fault("attic is switched off for seven weeks", "attic", "down", 205, 254, (
        ("backup-failing", Severity.WARNING, HOUR), ("backup-old", Severity.ALARM, 4 * HOUR),
        ("drill-unproven", Severity.WARNING, 2 * HOUR), ("read-back-old", Severity.WARNING, 31 * DAY),
        ("read-back-old", Severity.ALARM, 46 * DAY), ("full-drill-old", Severity.WARNING, 36 * DAY),
    ), _GONE, 12 * DAY),
    Fault("a fifth of all files is deleted; accepted after four days", "*", "held", 262, 266, (
        ("changes-gone", Severity.ALARM, HOUR),
    ), ("changes-",)),
    Fault("a backup disappears from cloud, and is put back after a day", "cloud", "vanished", 280, 281, (
        ("backup-failing", Severity.ALARM, HOUR), ("drill-failed", Severity.ALARM, HOUR),
    ), ("backup-failing", "drill-failed", "backup-old")),
    Fault("only last week's backup at attic does not come back", "attic", "week", 300, 304, (
        ("drill-failed:attic/week", Severity.ALARM, 13 * HOUR),
    ), ("drill-failed:attic/week",)),
    Fault("no full drill of cellar passes for eight weeks", "cellar", "full", 280, 340, (
        ("full-drill-old", Severity.WARNING, 36 * DAY), ("full-drill-old", Severity.ALARM, 51 * DAY),
    ), ("full-drill-old",), 2 * DAY),
)  # fmt: skip


@dataclass
class Told:
    """What was told, and when: the first time of each finding of a fault, and what had no fault."""

    first: dict[tuple[str, str, Severity], datetime] = field(default_factory=dict)
    false: list[str] = field(default_factory=list)


@dataclass
class Place:
    """What lies in a simulated place, and what was ever put there."""

    listed: set[str] = field(default_factory=set)
    stated: Stated = field(default_factory=lambda: Stated())
    away: set[str] = field(default_factory=set)
    kept_wrong: list[str] = field(default_factory=list)
    prunings: int = 0
    full_due: datetime = BEGIN + HOUR


class Year:
    """The simulation: ``run`` it, then read ``told``, ``places`` and ``records``."""

    def __init__(
        self, home: Home, faults: Iterable[Fault] = FAULTS, days: int = 365, *, every_hour: bool = True
    ) -> None:
        self.home, self.faults, self.days, self.every_hour = home, tuple(faults), days, every_hour
        home.etc.mkdir(parents=True, exist_ok=True)
        home.settings_file.write_text(_SETTINGS)
        self.settings: Settings = parse(_SETTINGS, home.settings_file)
        self.places = {name: Place() for name in NAMES}
        self.known = {name: Known(repository=name) for name in NAMES}
        self.told = Told()
        self.backups = self.findings = 0

    def run(self) -> Year:
        with Records(self.home.records) as self.records:
            # Nobody else looks into these records, and they need not survive anything.
            for pragma in ("synchronous = OFF", "locking_mode = EXCLUSIVE", "journal_mode = MEMORY"):
                self.records.connection.execute(f"PRAGMA {pragma}")
            for hour in range(24 * self.days):
                self._hour(BEGIN + HOUR * hour, hour)
        return self

    def _hour(self, now: datetime, hour: int) -> None:
        self._changes(now)
        for name in NAMES:
            self._backup(name, now)
            self._drill(name, now, Age.NEWEST)
            if hour % 4 == 3:
                known = self.known[name]
                self._drill(name, now, turn(known, self._drilled(name), now))
            if hour % 24 == 3:
                self._prune(name, now)
                self._read_back(name, now)
            if now >= self.places[name].full_due:
                self._full(name, now)
        if hour % 168 == 5:
            self.records.prune(now)
        if self.every_hour or hour % 6 == 0 or self._restless(now):
            self._look(now)

    def _restless(self, now: datetime) -> bool:
        """Whether a fault began or ended within two days: then every hour is looked at in any case."""
        edges = (BEGIN + DAY * edge for fault in self.faults for edge in (fault.begin, fault.end))
        return any(edge - HOUR <= now < edge + 2 * DAY for edge in edges)

    def _fault(self, kind: str, place: str, now: datetime) -> bool:
        return any(f.kind == kind and f.place in ("*", place) and f.at(now) for f in self.faults)

    def _changes(self, now: datetime) -> None:
        held, watched = self._fault("held", "", now), load_watched(self.home)
        if held and not watched.wrong:
            wrong = Wrong("changes-gone", "300 of 1200 files are gone within a day", True)
            save_watched(self.home, replace(watched, wrong=(wrong,)))
        if not held and watched.wrong:
            accept(self.home)

    def _backup(self, name: str, now: datetime) -> None:
        place = self.places[name]
        self._vanish(name, now)
        reason, verdict = None, Verdict.PASS
        if self._fault("down", name, now):
            reason, verdict = "the place did not answer within 45 s", Verdict.UNPROVEN
        else:
            self.backups += 1
            at = now + 400 * DAY if self._fault("clock", name, now) else now
            id_ = hashlib.sha256(f"{name}{at}".encode()).hexdigest()
            place.listed.add(id_)
            known = self.known[name]
            problems = lost(known, known.packs, frozenset(place.listed), known.indexes, now)
            if problems:
                reason, verdict = "; ".join(problems), Verdict.FAIL
            place.stated.add(at, now, good=not problems)
            made = KnownSnapshot(id_, at, 1, 1, {}, {}, "r-0123456789ab", "m", good=not problems)
            self.known[name] = known.with_snapshot(made)
            if not problems:
                self.records.save_snapshot(Snapshot(name, id_, at, "r-0123456789ab", {}))
        self.records.save_proof("backup", verdict, now, 1.0, {"place": name, "reason": reason})

    def _vanish(self, name: str, now: datetime) -> None:
        place = self.places[name]
        if self._fault("vanished", name, now) and not place.away:
            place.away = {self.known[name].snapshots[-30].id}
            place.listed -= place.away
        elif place.away and not self._fault("vanished", name, now):
            place.listed |= place.away
            place.away = set()

    def _drilled(self, name: str) -> dict[Age, int]:
        found = {age: self.records.last_proof("drill", name, age=age) for age in Age}
        return {age: proof.id for age, proof in found.items() if proof}

    def _drill(self, name: str, now: datetime, age: Age, method: str = "mounted") -> Verdict:
        known, place = self.known[name], self.places[name]
        snapshot, reason, verdict = at_age(known, age, now), None, Verdict.PASS
        if snapshot is None:
            return Verdict.UNPROVEN
        if self._fault("down", name, now):
            reason, verdict = "the place did not answer within 45 s", Verdict.UNPROVEN
        elif missing := known.expected_snapshots - place.listed - let_go_on_purpose(known, now):
            reason, verdict = f"the place lost what was put there: {len(missing)} snapshots", Verdict.FAIL
        elif age is Age.WEEK and self._fault("week", name, now):
            reason, verdict = "not everything came back", Verdict.FAIL
        elif method == "full" and self._fault("full", name, now):
            reason, verdict = "the restore needs 2 GB and the disk has 1 GB free", Verdict.UNPROVEN
        seen = {
            "place": name, "age": age.value, "method": method, "snapshot": snapshot.id, "reason": reason,
            "recovery_time_seconds": 6.0, "recovery_point_seconds": 30.0, "release_from": "place",
        }  # fmt: skip
        self.records.save_proof("drill", verdict, now, 6.0, seen)
        if method == "full" and verdict is Verdict.PASS:
            self.records.note(f"full-drill {name}", {}, now)
        return verdict

    def _full(self, name: str, now: datetime) -> None:
        passed = self._drill(name, now, Age.NEWEST, "full") is Verdict.PASS
        self.places[name].full_due = now + (_FULL_EVERY if passed else DAY)

    def _prune(self, name: str, now: datetime) -> None:
        place, known = self.places[name], self.known[name]
        if self._fault("down", name, now):
            return
        if known.pruning is not None:
            still = tuple(s for s in known.snapshots if s.id in place.listed or s.id not in known.pruning)
            known = replace(known, pruning=None, snapshots=still)
        # The newest is all that ``holds`` asks for; writing hundreds a thousand times would take a minute.
        save_known(self.home, name, replace(known, snapshots=known.snapshots[-1:]))
        if holds(self.home, name) or lost(known, known.packs, frozenset(place.listed), known.indexes, now):
            self.known[name] = known
            return
        gone = frozenset(one.id for one in choose(known.snapshots, self.settings.retention, now).let_go)
        self.known[name] = replace(known, pruning=gone)
        if self._fault("killed", name, now):
            # Half of it was forgotten when the power went.
            place.listed -= set(sorted(gone)[: len(gone) // 2])
            return
        place.listed -= gone
        self.known[name] = replace(known, snapshots=tuple(s for s in known.snapshots if s.id not in gone))
        self.records.forget_snapshots(name, gone)
        place.prunings += 1
        self._compare(name, now)

    def _compare(self, name: str, now: datetime) -> None:
        """What is in the place beside what the owner was told, worked out in another way."""
        expected = self.places[name].stated.kept()
        there = {one.taken_at for one in self.known[name].snapshots if one.id in self.places[name].listed}
        if there != expected:
            more, less = sorted(there - expected)[:3], sorted(expected - there)[:3]
            self.places[name].kept_wrong.append(f"{now}: more {more}, less {less}")

    def _read_back(self, name: str, now: datetime) -> None:
        reading, within = load_reading(self.home, name) or Reading(name, now), self.settings.keeper.read_back
        of = slices.parts(within)
        again = slices.damaged(reading, of)
        turns = [] if again is None else [again]
        for _ in range(slices.turns(reading, within, now)):
            turns.append(slices.choose(reading, of))
            reading = self._read(name, reading, turns[-1], now)
        if again is not None:
            reading = self._read(name, reading, again, now)
        save_reading(self.home, name, reading)

    def _read(self, name: str, reading: Reading, one: slices.Slice, now: datetime) -> Reading:
        if self._fault("down", name, now):
            return slices.tried(reading, one, now, "the place did not answer within 45 s")
        hit = self._fault("damage", name, now) and 77 in one.first_bytes
        found = (Damage(77, f"pack 4d{'0' * 62} is damaged"),) if hit else ()
        return slices.done(reading, one, now, found)

    def _look(self, now: datetime) -> None:
        probe = CheckedProbe(ProbeResult("receive", "mail", Verdict.PASS, 0.2, ""), now)
        facts = Facts(
            now=now, host="h", domain="d", settings_file="s", goals=self.settings.goals, probe_every=300, set_up=True,
            running=True, keeper=True, release=None, endpoints={}, services=("mail",), probes=(probe,),
            places=places(self.home, self.settings, self.records, now), prepared=Measured("prepare", 60.0, now),
        )  # fmt: skip
        # Notes wake nobody: those on the 3-2-1-1-0 rule are of places that this year does not try.
        found = [(f.id, f.severity, f.what) for f in judge(facts).findings if not f.id.startswith("copies-")]
        found += [(w.id, Severity.ALARM, w.what) for w in load_watched(self.home).wrong]
        for id_, severity, what in found:
            self.findings += 1
            if not list(self._causes(id_, severity, now)):
                self.told.false.append(f"{now:%Y-%m-%d %H:%M} {severity.value} {id_}: {what}")

    def _causes(self, id_: str, severity: Severity, now: datetime) -> Iterator[Fault]:
        for fault in self.faults:
            of_place = fault.place == "*" or id_.partition(":")[2].partition("/")[0] == fault.place
            if of_place and id_.startswith(fault.allowed) and fault.allowed and fault.at(now, tail=True):
                for begins, wanted, _within in fault.alarms:
                    if id_.startswith(begins) and (severity is wanted or severity is Severity.ALARM):
                        self.told.first.setdefault((fault.name, begins, wanted), now)
                yield fault

    def alarms(self) -> Iterator[tuple[Fault, str, Severity, timedelta, timedelta | None]]:
        """Each thing that had to be told: the fault, the finding, how, within which time, and after which it was."""
        for fault in self.faults:
            for begins, severity, within in fault.alarms:
                first = self.told.first.get((fault.name, begins, severity))
                after = first - (BEGIN + DAY * fault.begin) if first else None
                yield fault, begins, severity, within, after


class Stated:
    """What docs/operate/backups.md says is kept of the backups ever made, worked out span by span."""

    SPANS = ((48, "%Y%m%d%H"), (14, "%Y%m%d"), (8, "%G%V"), (24, "%Y%m"), (10_000, "%Y"))

    def __init__(self) -> None:
        self.newest: dict[str, dict[str, datetime]] = {form: {} for _most, form in self.SPANS}
        self.first: datetime | None = None
        self.ahead: set[datetime] = set()
        self.bad: set[datetime] = set()

    def add(self, at: datetime, now: datetime, *, good: bool) -> None:
        """A backup made now, with the time ``at``."""
        if not good:
            self.bad.add(at)
            return
        if at > now:
            self.ahead.add(at)
            return
        self.first = self.first or at
        for form, newest in self.newest.items():
            newest[at.strftime(form)] = at

    def kept(self) -> set[datetime]:
        """The times of what must be there: of each kind the newest of the last so many spans, and the future."""
        kept = set(self.ahead)
        for most, form in self.SPANS:
            newest = list(self.newest[form].values())
            kept |= set(newest[-most:])
            if len(newest) < most and self.first is not None:
                kept.add(self.first)
        hours = list(self.newest[self.SPANS[0][1]].values())[-self.SPANS[0][0] :]
        return kept | {at for at in self.bad if at >= hours[0]}
