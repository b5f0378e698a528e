"""How much goes to and from a place in a calendar month, counted by us, and what the owner allows."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from stead.backup.troubles import OverLimit
from stead.run import lock
from stead.settings import PlaceSetting
from stead.words.home import Home
from stead.words.quantities import say_size


@dataclass(frozen=True)
class Month:
    """Bytes to and from one place in a month (``2026-11``, UTC)."""

    month: str
    sent: int = 0
    read: int = 0


@dataclass
class Traffic:
    """What one program moves: everything it writes and reads, as the kernel counts it (``proc(5)``, io)."""

    sent: int = 0
    read: int = 0

    def look(self, pid: int) -> bool:
        """Look at the program now; False: it has ended."""
        try:
            lines = Path(f"/proc/{pid}/io").read_text().splitlines()
            counts = {name: int(value) for name, _, value in (line.partition(": ") for line in lines)}
        except (OSError, ValueError):
            return False
        self.read, self.sent = counts.get("rchar", 0), counts.get("wchar", 0)
        return True


def this_month(home: Home, place: str, now: datetime | None = None) -> Month:
    """What was counted in the month of ``now``."""
    month = (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m")
    try:
        kept = Month(**json.loads(_file(home, place).read_bytes()))
    except (OSError, ValueError, TypeError):
        return Month(month)
    return kept if kept.month == month else Month(month)


def count(home: Home, place: str, *, sent: int = 0, read: int = 0) -> Month:
    """Add to what was counted."""
    file = _file(home, place)
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = lock(home.locks / f"place-{place}.traffic", wait=10)
    try:
        before = this_month(home, place)
        after = replace(before, sent=before.sent + sent, read=before.read + read)
        new = file.with_name(file.name + ".new")
        new.write_text(json.dumps(asdict(after)))
        new.replace(file)
    finally:
        if handle is not None:
            os.close(handle)
    return after


@contextmanager
def counted(home: Home, place: str) -> Iterator[Traffic]:
    """Count what a program sends while it runs, whichever way it ends."""
    traffic = Traffic()
    try:
        yield traffic
    finally:
        count(home, place, sent=traffic.sent)


def left_this_month(home: Home, wanted: PlaceSetting) -> int | None:
    """Bytes that may still go to or from the place (None: any number); :class:`OverLimit` when there are none."""
    if wanted.bytes_a_month is None:
        return None
    used = this_month(home, wanted.name)
    left = wanted.bytes_a_month - used.sent - used.read
    if left <= 0:
        raise over_limit(wanted.name, f": {say_size(wanted.bytes_a_month)}")
    return left


def read_budget(home: Home, wanted: PlaceSetting) -> int | None:
    """Bytes that proofs (drills, reading back) may still read from the place this month; None: any number.

    What was read for whatever reason counts. 0: nothing more may be read.
    """
    used, allowed = this_month(home, wanted.name), math.inf
    if wanted.cost_per_gb:
        allowed = wanted.cost_a_month / wanted.cost_per_gb * 10**9 - used.read
    if wanted.bytes_a_month is not None:
        # Half of the line is for backups: a proof must not use up what the newest data needs.
        allowed = min(allowed, wanted.bytes_a_month / 2 - used.read, wanted.bytes_a_month - used.sent - used.read)
    return None if allowed == math.inf else max(0, int(allowed))


def over_limit(place: str, detail: str = "") -> OverLimit:
    """What is told when the month's bytes are used up."""
    return OverLimit(
        f"what may go to the place {place} in a month has gone there{detail}",
        hint="raise its bytes_a_month in the settings, or wait for the next month",
    )


def _file(home: Home, place: str) -> Path:
    return home.lib / "places" / f"{place}.traffic"
