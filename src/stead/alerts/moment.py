"""Moments that a wrong clock cannot move: the wall clock for people, the boot clock for measuring.

Within one boot, only the clock that counts since the computer's start is asked (``CLOCK_BOOTTIME``, which goes on while
the computer sleeps), so a wall clock that jumps makes no alarm late and none too many.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stead.words.quantities import say_time


@dataclass(frozen=True)
class Moment:
    """One moment: seconds of the wall clock, the boot's id, and seconds since that boot."""

    wall: float
    boot: str
    steady: float

    @classmethod
    def now(cls) -> Moment:
        """This moment."""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return cls(time.time(), boot, time.clock_gettime(time.CLOCK_BOOTTIME))

    def since(self, earlier: Moment, *, unknown: float) -> float:
        """Seconds passed since ``earlier``. After a reboot only the wall clock can tell; where it claims that time ran
        backwards, nobody knows, and ``unknown`` is the answer."""
        if self.boot == earlier.boot:
            return max(0.0, self.steady - earlier.steady)
        passed = self.wall - earlier.wall
        return passed if passed >= 0 else unknown

    @property
    def time(self) -> datetime:
        """The wall clock's time, for people and records."""
        return datetime.fromtimestamp(self.wall, UTC)

    def __str__(self) -> str:
        return say_time(self.time)
