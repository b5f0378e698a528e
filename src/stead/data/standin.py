"""A stand-in for data: a copy mounted from a place, below a layer of the volume's own that takes what is written.

While it stands, services work on it as on data itself, but it is no subvolume: no picture of it can be taken.
"""

from __future__ import annotations

import os
from pathlib import Path

from stead.data.mounts import mount_at, mount_overlay
from stead.run import run
from stead.words.errors import UnprovenError
from stead.words.home import Home

#: A name in the volume, beside data and its pictures.
_LAYER = "layer"


def stands_in(home: Home) -> bool:
    """Whether what lies where data belongs is a stand-in."""
    return mount_at(home.data) is not None


def stand_in(home: Home, copy: Path) -> None:
    """Put ``copy`` (data as mounted from a place) where data belongs. What was written before is in the layer and
    shows at once. The volume must be mounted, and its own data empty."""
    if stands_in(home):
        return
    layer = home.data_mount / _LAYER
    if not layer.exists():
        run(["btrfs", "subvolume", "create", layer], timeout=60)
    for part in ("upper", "work"):
        (layer / part).mkdir(exist_ok=True)
    there = copy.stat()
    os.chown(layer / "upper", there.st_uid, there.st_gid)
    (layer / "upper").chmod(there.st_mode & 0o7777)
    # Whole copies only: a renamed folder or a changed mode must not leave half a file behind in the layer.
    plain = ("redirect_dir=off", "metacopy=off", "index=off")
    mount_overlay("stead-data", copy, layer, home.data, more=plain)


def written(home: Home) -> Path:
    """The layer with what was written since the copy was made: changed files whole, deleted ones as whiteouts."""
    return home.data_mount / _LAYER / "upper"


def end_stand_in(home: Home) -> None:
    """Take the stand-in away; the layer stays. Nothing to do is fine."""
    while stands_in(home):
        run(["umount", home.data], timeout=120, hint=f"something still uses it: `fuser -vm {home.data}` names it")


def drop_layer(home: Home) -> None:
    """Forget what was written: it is in data now."""
    if (home.data_mount / _LAYER).exists():
        run(["btrfs", "subvolume", "delete", home.data_mount / _LAYER], timeout=120)


def require_own(home: Home) -> None:
    """Return if data is this computer's own; UnprovenError while it is coming back: a picture of it would be empty."""
    if stands_in(home) or home.recovering.exists():
        raise UnprovenError(
            "this server is coming back from a copy, and its data is not on this computer yet",
            hint="the keeper goes on with it by itself; stead status tells how far it is",
        )
