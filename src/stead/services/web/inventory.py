"""What the web page holds, counted in a data tree."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG

from stead.words.declaration import Inventory

#: Where our markers lie: owners' programs do not show names with a dot, and the web server hides them from the world.
WATCH_FOLDER = "/files/site/.watch/"


def count(root: Path, _users: tuple[str, ...]) -> Inventory:
    """Count the page's files and bytes in the data tree at ``root``; no link is followed, our markers are left out."""
    sizes = list(_sizes(root / "web/site"))
    totals = {"files": len(sizes), "bytes": sum(sizes)}
    return Inventory(totals, {"site": len(sizes)})


def _sizes(folder: Path) -> Iterator[int]:
    for _path, folders, names, descriptor in os.fwalk(folder, follow_symlinks=False):
        folders[:] = [name for name in folders if name != WATCH_FOLDER.split("/")[-2]]
        for name in names:
            found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if S_ISREG(found.st_mode):
                yield found.st_size
