"""What a recovery brought back, as it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from stead.live import UpSummary
from stead.words.probe import ProbeResult


@dataclass(frozen=True)
class Serving:
    """The server answers, from the mounted copy. ``probes`` is empty when it did so before this was run."""

    name: str
    seconds: float
    endpoints: Mapping[str, str]
    probes: tuple[ProbeResult, ...]


@dataclass(frozen=True)
class Recovered:
    """``data_at`` is the moment the data is of: what came later was in no copy. ``serving_after`` and ``seconds`` count
    from the first time the command was typed. ``up`` is what was proven last."""

    place: str
    snapshot: str
    data_at: datetime
    files: int
    size: int
    serving_after: float
    seconds: float
    up: UpSummary
