"""A picture: an atomic read-only copy of data on the host."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Picture:
    """One btrfs snapshot of data: ``name`` is its folder in ``home.pictures``, ``taken_at`` is in UTC.

    ``for_backup`` pictures carry ``.stead/`` and live only as long as the backup that reads them.
    """

    name: str
    path: Path
    taken_at: datetime
    for_backup: bool = False
