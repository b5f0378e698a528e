"""Everything the judgement of a host needs, gathered before and frozen: the judge itself looks at nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from stead.backup import quiet_seconds
from stead.records.nouns import CheckedProbe, Measured
from stead.settings.nouns import Goals, Medium, Quiet
from stead.words.verdict import Finding, Verdict


@dataclass(frozen=True)
class DrillFact:
    """One drill of a place. ``lag`` is how far behind its snapshot the stalest service's marker was, in seconds."""

    proof: int
    verdict: Verdict
    at: datetime
    time_seconds: float | None
    lag: float | None
    method: str
    reason: str | None


@dataclass(frozen=True)
class TryFact:
    """The last try of a place. ``refused``: what was written could not be destroyed; ``offsite`` None: not known."""

    at: datetime
    verdict: Verdict
    reason: str | None
    refused: bool | None
    offsite: bool | None


@dataclass(frozen=True)
class ReadingFact:
    """How far a place was read back. ``oldest_at`` is when what was not read for longest was read, or, not ``whole``,
    since when it waits to be read for the first time; ``damage`` is what was found and not found well since."""

    oldest_at: datetime
    whole: bool
    damage: tuple[str, ...] = ()
    trouble: str | None = None


@dataclass(frozen=True)
class PlaceFact:
    """One place: what is known to be in it and what drills of it found (the last one, and the last that passed).
    ``used_of_month`` is the share of the bytes allowed in this month.

    ``trouble`` is why the last backup to it went wrong; not ``trouble_proven``: it could only not be made. The last
    drill is one of the newest backup; ``older`` are the last ones of older backups, by their age. ``last_full`` is
    the last full drill, ``full_passed_at`` when one passed, ``first_at`` since when there are backups. ``under_way``:
    something is being written to it, or removed, just now.
    """

    name: str
    url: str
    survives: bool
    newest_at: datetime | None
    newest_snapshot: str | None
    last_drill: DrillFact | None
    last_pass: DrillFact | None
    trouble: str | None = None
    trouble_proven: bool = True
    older: tuple[tuple[str, DrillFact], ...] = ()
    last_full: DrillFact | None = None
    full_passed_at: datetime | None = None
    first_at: datetime | None = None
    reading: ReadingFact | None = None
    trouble_next: str | None = None
    medium: Medium = Medium.DISK
    append_only: bool = False
    quiet: Quiet | None = None
    tried: TryFact | None = None
    used_of_month: float = 0.0
    under_way: bool = False


@dataclass(frozen=True)
class ReleaseFact:
    """A release: its name, when it was built, and whether it is the newest one made."""

    id: str
    built_at: str
    current: bool


@dataclass(frozen=True)
class HalfDone:
    """An act that a killed process left behind."""

    kind: str
    step: str | None
    begun_at: datetime


@dataclass(frozen=True)
class Facts:
    """One host at one moment. ``prepared`` is the measured time to get the program and the host's packages on an empty
    computer (None: never measured); ``others`` are findings of other checks, such as data's health; ``late`` the words
    of findings that became alarms by waiting, by id. ``recovering`` says from where and how far, while the server still
    runs on a copy."""

    now: datetime
    host: str
    domain: str
    settings_file: str
    goals: Goals
    probe_every: float
    set_up: bool
    running: bool
    keeper: bool
    release: ReleaseFact | None
    endpoints: Mapping[str, str]
    services: tuple[str, ...]
    probes: tuple[CheckedProbe, ...]
    places: tuple[PlaceFact, ...]
    prepared: Measured | None = None
    certificate_until: datetime | None = None
    clock_jumped_at: datetime | None = None
    half_done: tuple[HalfDone, ...] = ()
    others: tuple[Finding, ...] = ()
    recovering: str | None = None
    read_back: float = 30 * 86400.0
    late: Mapping[str, str] = field(default_factory=dict)

    @property
    def proof_age_allowed(self) -> float:
        """Seconds after which a drill no longer proves anything about today."""
        return 2 * self.goals.prove_every

    def age(self, moment: datetime) -> float:
        """Seconds since a moment; never negative, so that a clock set back makes nothing look fresh for ever."""
        return max(0.0, (self.now - moment).total_seconds())

    @property
    def older_age_allowed(self) -> float:
        """Seconds after which an older backup should have been drilled again: twice its turn of three ages."""
        return 2 * 3 * 4 * self.goals.prove_every

    def proven(self, place: PlaceFact) -> bool:
        """Whether the last drill of a place passed, and lately enough."""
        last = place.last_drill
        return last is not None and last.verdict is Verdict.PASS and self.wake(place, last.at) <= self.proof_age_allowed

    def wake(self, place: PlaceFact, moment: datetime) -> float:
        """The age of a moment without the place's quiet hours: what deadlines count."""
        return max(0.0, self.age(moment) - quiet_seconds(place.quiet, moment, self.now))
