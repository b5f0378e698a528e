"""Data and programs out of the place onto this computer, beside the server that runs on the mounted copy."""

from __future__ import annotations

from pathlib import Path

from stead import backup, data, release
from stead.backup import Place
from stead.recovery.state import State
from stead.release import ReleaseStore
from stead.run import run
from stead.settings import Settings
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.progress import Progress


def fetched(home: Home) -> Path:
    """The subvolume data is restored into; data itself lies in it as the snapshot names it."""
    return home.data_mount / "recovering"


def fetch_programs(home: Home, state: State, progress: Progress) -> None:
    """The release out of the place, compared with its manifest, as the current one; nothing if there is one."""
    store = ReleaseStore(home)
    if store.current() is not None or state.release is None:
        return
    program, snapshot = release.opener(home, progress), state.release

    def fetch(folder: Path) -> None:
        target = folder / "restored"
        backup.restore_cold(
            home, state.place_noun(), program, snapshot, target=target, progress=progress, top=backup.RELEASE_PATH
        )
        for part in (target / backup.RELEASE_PATH.lstrip("/")).iterdir():
            part.rename(folder / part.name)
        for empty in ("run/stead/release", "run/stead", "run", ""):
            (target / empty).rmdir()

    with progress.step("programs, out of the place", expected=10.0):
        store.make_current(store.take_in(fetch).id)


def fetch_data(home: Home, state: State, progress: Progress) -> None:
    """All data onto this computer, every byte compared with its manifest; cut off, it goes on where it was.

    SteadError when not every byte came back; the server still runs on the mounted copy then.
    """
    place, half = state.place_noun(), fetched(home)
    if not half.exists():
        run(["btrfs", "subvolume", "create", half], timeout=60)
    program = release.opener(home, progress)
    with progress.step("data, out of the place"):
        restored = backup.restore_cold(
            home, place, program, str(state.snapshot), target=half, progress=progress, resume=True
        )
    with progress.step("comparing every byte with the manifest"):
        compared = backup.compare_with_manifest(restored.path)
    if compared.problems:
        raise SteadError(
            f"not every byte came back from the place {place.name}: {backup.first(compared.problems, 3)}",
            hint="try another place (--place) or an earlier snapshot (--snapshot)",
        )


def adopt(home: Home, settings: Settings, state: State, progress: Progress) -> None:
    """Backups go on where the copy came from, if the settings name that place."""
    came_from: Place = state.place_noun()
    wanted = next((p for p in settings.places if (p.name, p.url) == (came_from.name, came_from.url)), None)
    if wanted is None or backup.load_known(home, wanted.name).repository is not None:
        return
    kept = backup.place_of(home, wanted.name, wanted.url, credentials_file=wanted.credentials_file)
    with progress.step(f"looking at the older backups in {kept.name}"):
        backup.adopt(home, kept, release.opener(home, progress), home.recovery_mount)


def forget(home: Home) -> None:
    """Take away what was fetched: it is data now."""
    if fetched(home).exists():
        run(["btrfs", "subvolume", "delete", fetched(home)], timeout=600)
    data.sync_folder(home.data_mount)
