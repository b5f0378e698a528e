"""How far an import is, and how long it will still take, said now and then."""

from __future__ import annotations

import time

from stead.words.progress import Progress
from stead.words.quantities import say_duration

_EVERY = 5.0


class Pace:
    """``total`` is the bytes of the sources (or messages of an account); 0: not known."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.total = total
        self._progress = progress
        self._began = self._said = time.monotonic()
        self._at = 0

    def at(self, done: int, count: int) -> None:
        """``done`` of the total was read."""
        self._at = max(self._at, done)
        self.tell(count)

    def tell(self, count: int) -> None:
        """Say it, if it was not said a moment ago."""
        now = time.monotonic()
        if now - self._said < _EVERY:
            return
        self._said = now
        share = min(self._at / self.total, 1.0) if self.total else 0.0
        words = f"{count:,} items"
        if share > 0.01:
            left = (now - self._began) * (1 - share) / share
            words += f", {share:.0%}, about {say_duration(left)} left"
        self._progress.say(words)
