"""What a recovery brought back, as it is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stead.live import UpSummary


@dataclass(frozen=True)
class Recovered:
    """``data_at`` is the moment the data is of: what came later was in no copy. ``up`` is what was proven after."""

    place: str
    snapshot: str
    data_at: datetime
    files: int
    size: int
    seconds: float
    up: UpSummary
