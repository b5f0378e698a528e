"""What the records hold, as nouns made whole from rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stead.words.probe import ProbeResult
from stead.words.verdict import Verdict


@dataclass(frozen=True)
class Proof:
    """A stored verdict. ``kind`` is what was proven (``drill``, ``backup`` ...), ``evidence`` whatever was seen."""

    id: int
    kind: str
    verdict: Verdict
    at: datetime
    seconds: float
    evidence: Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """One step of an act; ``outcome`` None: it was begun and its end is not known."""

    name: str
    intent: Mapping[str, Any]
    begun_at: datetime
    ended_at: datetime | None
    outcome: str | None


@dataclass(frozen=True)
class Act:
    """Something the keeper or a command set out to do. ``outcome`` is ``done``, ``failed``, ``undone``, or None."""

    id: int
    kind: str
    intent: Mapping[str, Any]
    begun_at: datetime
    ended_at: datetime | None
    outcome: str | None
    detail: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class CheckedProbe:
    """The latest result of one probe of the live machine, and when it was made."""

    result: ProbeResult
    checked_at: datetime


@dataclass(frozen=True)
class Snapshot:
    """One backup known to be in a place. ``data_at`` is the moment of the picture it was made from."""

    place: str
    id: str
    data_at: datetime
    release: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """A change of state: of what, from which state to which, why and when."""

    at: datetime
    subject: str
    old: str | None
    new: str
    why: str


@dataclass(frozen=True)
class Measured:
    """A duration as measured once."""

    name: str
    seconds: float
    at: datetime


@dataclass(frozen=True)
class Noted:
    """A small dated thing of a kind, such as an inventory."""

    at: datetime
    content: Mapping[str, Any]
