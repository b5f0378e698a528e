"""One file out of a snapshot: the fastest way there is when its path is known. What came is compared by the caller."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import IO

from stead.backup.locks import reading
from stead.backup.place import Place
from stead.backup.restic import DATA_PATH, Restic
from stead.backup.troubles import PlaceUnreachable, trouble
from stead.backup.work import end
from stead.run import start
from stead.words.home import Home

_LOOK_EVERY = 0.01
#: Seconds without a byte after which the place counts as gone; restic itself retries in silence for 15 minutes.
_QUIET = 60.0


def fetch(
    home: Home, place: Place, program: Path, snapshot: str, path: str, *, out: IO[bytes], quiet: float = _QUIET
) -> None:
    """Write the file ``path`` (relative to data) of ``snapshot`` into the open file ``out``, cold.

    Raises the nouns of ``troubles``. The repository is not asked who it is first: that would take as long again, and
    content that matches the digest in our own records can be no other.
    """
    restic = Restic(program, place)
    line = restic.guarded(restic.words("dump", snapshot, f"{DATA_PATH}/{path}"))
    with reading(home, place), tempfile.TemporaryFile() as err:
        child = start(line, stdout=out, stderr=err, env=restic.env())
        moved, size = time.monotonic(), 0
        try:
            while child.poll() is None:
                now = os.fstat(out.fileno()).st_size
                if now != size:
                    moved, size = time.monotonic(), now
                elif time.monotonic() - moved > quiet:
                    raise PlaceUnreachable(
                        f"the place {place.name} did not answer within {quiet:.0f} s",
                        hint="is it switched on and connected?",
                    )
                time.sleep(_LOOK_EVERY)
        finally:
            end(child)
        if child.returncode != 0:
            raise trouble(place.name, child.returncode, os.pread(err.fileno(), 1 << 16, 0).decode(errors="replace"))
