"""How long an empty computer needed to get the program and its packages: measured by the launcher, kept in records.

Only a whole preparation counts. Where the packages were there already, nothing was learnt about an empty computer.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from stead.records import Measured, Records
from stead.words.home import Home
from stead.words.quantities import read_time

#: Name of the measured duration in the records.
PREPARE = "prepare"
_VARIABLE = "STEAD_PREPARED"


def note(home: Home) -> Measured | None:
    """Take over what the launcher measured, if it prepared this computer from nothing."""
    named = os.environ.get(_VARIABLE)
    found = _read(Path(named)) if named else None
    if found is None:
        return None
    with Records(home.records) as records:
        known = records.measured(PREPARE)
        if known is None or known.at < found.at:
            records.save_measured(PREPARE, found.seconds, found.at)
    return found


def _read(file: Path) -> Measured | None:
    try:
        raw = json.loads(file.read_text())
        if raw["whole"] is not True:
            return None
        return Measured(PREPARE, float(raw["packages_seconds"]) + float(raw["program_seconds"]), read_time(raw["at"]))
    except (OSError, ValueError, KeyError, TypeError):
        # No measurement, or one cut short: then it is not known, and the status says so.
        return None


def measured(records: Records) -> Measured | None:
    """The measured preparation of an empty computer."""
    found = records.measured(PREPARE)
    return found if found and found.at <= datetime.now(UTC) else None
