"""Data out of a place onto this computer's own volume: restored beside, compared, and made live in one step."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from stead import backup, data
from stead.recovery.choosing import Copy
from stead.run import run
from stead.settings import Settings
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.progress import Progress

#: Room beside the copy itself: what the first days add, and what btrfs needs for its own.
_MORE, _AT_LEAST = 1.5, 4 << 30


def bring(home: Home, settings: Settings, copy: Copy, program: Path, progress: Progress) -> backup.Compared:
    """Restore ``copy`` and make it the live data. What an earlier try left half done is taken away first.

    SteadError when not every byte came back; the live data is then still empty.
    """
    size = max(settings.data.first_size or 0, int(copy.snapshot.size * _MORE), _AT_LEAST)
    data.ensure_volume(home, size=size, own_btrfs=settings.data.btrfs)
    half = home.data_mount / "recovering"
    if half.exists():
        run(["btrfs", "subvolume", "delete", half], timeout=600)
    run(["btrfs", "subvolume", "create", half], timeout=60)
    with progress.step("data, out of the place"):
        restored = backup.restore_cold(home, copy.place, program, copy.snapshot.id, target=half, progress=progress)
    with progress.step("comparing every byte with the manifest"):
        compared = backup.compare_with_manifest(restored.path)
    if compared.problems:
        raise SteadError(
            f"not every byte came back from the place {copy.place.name}: {backup.first(compared.problems, 3)}",
            hint="try another place (--place) or an earlier snapshot (--snapshot)",
        )
    _make_live(home, half, restored.path)
    return compared


def _make_live(home: Home, half: Path, restored: Path) -> None:
    """The restored folder becomes the live subvolume. Until the last rename nothing of it counts."""
    for name in sorted(os.listdir(restored)):
        (restored / name).rename(half / name)
    shutil.copystat(restored, half)
    shutil.rmtree(half / restored.relative_to(half).parts[0])
    run(["btrfs", "filesystem", "sync", half], timeout=600)
    if home.data.exists():
        if os.listdir(home.data):
            raise SteadError(f"{home.data} is not empty", hint="nothing was changed: look what is in it")
        run(["btrfs", "subvolume", "delete", home.data], timeout=120)
    half.rename(home.data)
    data.sync_folder(home.data_mount)
