"""Where systemd does not look after the live machine, the keeper does: it starts it again when it is dead.

The machine's log collector is looked after everywhere: it has no unit of its own. A server that runs on a mounted copy
is asked after now and then even though it lives: a mount that is lost answers from memory for a while.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from stead import machine
from stead.keeper.journal import Journal
from stead.keeper.running import by_unit, environment, of
from stead.run import start
from stead.words.errors import SteadError
from stead.words.home import Home

_EVERY = 3.0
_COPY_EVERY = 60.0
_WAITS = (0.0, 5.0, 15.0, 60.0, 300.0)


class Revival:
    """Looks at the live machine and starts it again, ever more patiently while that fails."""

    def __init__(self, home: Home, journal: Journal) -> None:
        self._home, self._journal = home, journal
        self._looked = self._tried = self._asked = float("-inf")
        self._tries = 0
        self._ended: Callable[[], int | None] = lambda: 0

    def look(self, now: float) -> None:
        """Look now and then; quick when all is well."""
        if now - self._looked < _EVERY or self._ended() is None:
            return
        self._looked = now
        try:
            if machine.find(self._home, "live") is not None:
                self._tries = 0
                machine.ensure_collector(self._home, "live")
                self._ask_after_the_copy(now)
                return
        except (SteadError, OSError) as trouble:
            self._journal.say(f"the machine could not be looked at: {trouble}")
            return
        # A host's own units start it there; here the first miss may be an ordinary restart, so wait one look.
        wait = _WAITS[min(self._tries, len(_WAITS) - 1)]
        if not self._ours_to_start() or now - self._tried < wait:
            return
        self._tries, self._tried = self._tries + 1, now
        self._journal.say(f"the server is not running; starting it again (try {self._tries})")
        self._revive()

    def _ask_after_the_copy(self, now: float) -> None:
        if self._home.recovering.exists() and now - self._asked >= _COPY_EVERY:
            self._asked = now
            self._revive()

    def _revive(self) -> None:
        command = [sys.executable, "-m", "stead.cli", "act", "revive", *of(self._home)]
        self._ended = start(command, env=environment()).poll

    def _ours_to_start(self) -> bool:
        """A server that runs on a mounted copy has no unit: the copy must be mounted first."""
        if self._home.recovering.exists():
            return True
        return not by_unit(self._home) and (self._home.releases / "current").exists()
