"""Single files or folders out of a snapshot, when their paths are known. What came is compared by the caller."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from stead.backup.locks import reading
from stead.backup.place import Place
from stead.backup.restic import DATA_PATH, Restic
from stead.backup.restoring import judge
from stead.backup.troubles import PlaceUnreachable, trouble
from stead.backup.work import end, work
from stead.run import start
from stead.words.home import Home
from stead.words.progress import Progress

#: What has a meaning in restic's patterns.
_PATTERN = re.compile(r"([*?\[\]\\])")
_ESCAPED = r"\\\1"
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


def fetch_folders(
    home: Home, place: Place, program: Path, snapshot: str, folders: Iterable[str], *, target: Path, progress: Progress
) -> Path:
    """Restore ``folders`` (relative to data; everything below them) into the empty folder ``target``, cold.

    Returns the folder that stands for data. Raises the nouns of ``troubles``.
    """
    words: list[str | Path] = ["restore", snapshot, "--target", target]
    for folder in folders:
        words += ["--include", f"{DATA_PATH}/{_PATTERN.sub(_ESCAPED, folder)}"]
    with reading(home, place):
        ended = work(Restic(program, place), words, progress)
    judge(place, snapshot, ended)
    return target / DATA_PATH.lstrip("/")
