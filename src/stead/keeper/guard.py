"""The guard of a keeper without systemd: starts it, and starts it again when it dies. It imports next to nothing."""

from __future__ import annotations

import os
import signal
import sys
import time
from types import FrameType

from stead.keeper.home_named import home_named
from stead.keeper.running import environment, of, stop_file, take
from stead.run import start
from stead.words.home import Home

_LOOK = 0.3
#: A keeper that dies at once is not started in a busy loop: the wait doubles up to this.
_LONGEST_WAIT = 30.0
_LIVED_WELL = 5.0


def guard(home: Home) -> None:
    """Guard until told to stop."""
    if take(home, "guard") is None:
        return
    signal.signal(signal.SIGTERM, _leave)
    wait, began = _LOOK, 0.0
    # A home whose folder was deleted has nothing to guard; making locks in it again would start one more each time.
    while home.run.is_dir() and not stop_file(home).exists():
        _collect()
        lock = take(home, "keeper")
        if lock is None:
            time.sleep(_LOOK)
            continue
        os.close(lock)
        wait = _LOOK if time.monotonic() - began > _LIVED_WELL else min(2 * wait, _LONGEST_WAIT)
        began = time.monotonic()
        start([sys.executable, "-m", "stead.keeper", *of(home)], env=environment())
        time.sleep(max(wait, 2 * _LOOK))


def _collect() -> None:
    """Let the kernel forget dead children."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    guard(home_named(sys.argv[1:]))
