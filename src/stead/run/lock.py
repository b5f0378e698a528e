"""A lock file that the kernel lets go when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

_POLL = 0.1


def lock(file: Path, *, wait: float = 0.0, shared: bool = False) -> int | None:
    """Lock ``file`` (``flock(2)``), waiting up to ``wait`` seconds for whoever holds it.

    Returns the descriptor that holds it: close it to let go. None: it is still held by another.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(handle)
                return None
            time.sleep(_POLL)
        except BaseException:
            os.close(handle)
            raise
