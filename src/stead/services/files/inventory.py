"""What the files service holds: files and bytes, per account and in the shared folder, without opening any of them."""

from __future__ import annotations

import os
from pathlib import Path

from stead.words.declaration import Inventory

#: Names the service uses for a moment while it writes.
_HIDDEN = ".stead-"


def count(root: Path, users: tuple[str, ...]) -> Inventory:
    """Count the files of ``users`` and of all together in the data tree at ``root``."""
    parts: dict[str, int] = {}
    totals = {"files": 0, "bytes": 0}
    places = {user: root / "files/home" / user for user in users} | {"shared": root / "files/shared"}
    for name, place in places.items():
        files, size = _held(place)
        parts[f"{name}/files"], parts[f"{name}/bytes"] = files, size
        totals["files"] += files
        totals["bytes"] += size
    return Inventory(totals, parts)


def _held(place: Path) -> tuple[int, int]:
    """Files and bytes below ``place``. The tree is the machine's: no link is followed, the place itself neither."""
    files = size = 0
    waiting = [str(place)] if place.is_dir() and not place.is_symlink() else []
    while waiting:
        with os.scandir(waiting.pop()) as found:
            for item in found:
                if item.name.startswith(_HIDDEN):
                    continue
                if item.is_dir(follow_symlinks=False):
                    waiting.append(item.path)
                elif item.is_file(follow_symlinks=False):
                    files += 1
                    size += item.stat(follow_symlinks=False).st_size
    return files, size
