"""Notices when the wall clock moves otherwise than time does: set by hand, by a time service, or after a suspend."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Slewing by a time service stays far below this between two looks.
_JUMP = 20.0


class Clock:
    """Compares the wall clock with the clock that counts suspended time, too (so a suspend is no jump)."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
    ) -> None:
        self._wall, self._steady = wall, steady
        self._before = wall() - steady()

    def jumped(self) -> float | None:
        """Seconds by which the wall clock jumped since the last look, if it did."""
        now = self._wall() - self._steady()
        jump, self._before = now - self._before, now
        return jump if abs(jump) > _JUMP else None
