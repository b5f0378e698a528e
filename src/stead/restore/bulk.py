"""Many things out of one copy: a picture as it lies, or folders restored from a place into a folder of ours first."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from stead.backup import fetch_folders
from stead.restore.catalogue import Lain
from stead.restore.desk import Desk
from stead.restore.foreign import Tree
from stead.restore.paths import Kind, keywords_beside
from stead.restore.sources import Source, say
from stead.words.errors import SteadError
from stead.words.quantities import say_size

_AT_ONCE = 1 << 20
_BEGIN = "restore-"


@contextmanager
def opened(desk: Desk, source: Source, rows: Sequence[Lain]) -> Iterator[Tree]:
    """A data tree that holds ``rows`` of one copy; what had to be brought is taken away afterwards."""
    if source.picture is not None:
        yield Tree(source.picture.path)
        return
    assert source.place is not None
    cache = desk.home.lib / "cache"
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    _require_room(cache, rows)
    _remove_leftovers(cache)
    with tempfile.TemporaryDirectory(prefix=f"{_BEGIN}{os.getpid()}-", dir=cache) as folder:
        with desk.progress.step(f"{len(rows)} files out of {source.place.name}"):
            root = fetch_folders(
                desk.home, source.place, desk.program, source.snapshot, _folders(rows),
                target=Path(folder), progress=desk.progress,
            )  # fmt: skip
        yield Tree(root)


def content(tree: Tree, row: Lain, source: Source) -> IO[bytes]:
    """A row's content, compared with what was saved; SteadError when it is missing or differs.

    What was only seen in a picture has no digest: the picture's file system has checksums of its own.
    """
    handle = tree.open(row.path)
    if handle is None:
        raise SteadError(f"{source.words()} of {say(source.at)} does not hold {row.path}")
    file = os.fdopen(handle, "rb")
    if not row.sha and source.picture is not None:
        return file
    digest = hashlib.sha256()
    while piece := file.read(_AT_ONCE):
        digest.update(piece)
    if digest.digest() != row.sha:
        file.close()
        raise SteadError(f"{row.path} in {source.words()} of {say(source.at)} is not what was saved (SHA-256 differs)")
    file.seek(0)
    return file


def _folders(rows: Iterable[Lain]) -> list[str]:
    """The folders that hold ``rows``, none inside another; and where keywords of mails are named."""
    found: list[str] = []
    named = {beside for row in rows if row.kind is Kind.MAIL and (beside := keywords_beside(row.path))}
    for folder in sorted({row.path.rpartition("/")[0] for row in rows} | named):
        if not (found and (folder + "/").startswith(found[-1] + "/")):
            found.append(folder)
    return found


def _remove_leftovers(cache: Path) -> None:
    """What a killed restore left."""
    for folder in cache.glob(f"{_BEGIN}*"):
        if not os.path.exists(f"/proc/{folder.name.removeprefix(_BEGIN).partition('-')[0]}"):
            shutil.rmtree(folder, ignore_errors=True)


def _require_room(folder: Path, rows: Iterable[Lain]) -> None:
    disk = os.statvfs(folder)
    needed, free = sum(row.size + 4096 for row in rows), disk.f_bavail * disk.f_frsize
    if needed > free:
        raise SteadError(
            f"this needs {say_size(needed)}, and the disk under {folder} has {say_size(free)} free",
            hint="free some space, or restore less at once",
        )
