"""A server at once: programs and data mounted from the place, what is written kept on this computer."""

from __future__ import annotations

import json
from pathlib import Path

from stead import backup, data, live, machine, release, services
from stead.recovery import state as states
from stead.recovery.choosing import opened
from stead.recovery.moving import is_own
from stead.recovery.state import State
from stead.rehearsal.known import current_release
from stead.rehearsal.lock import held
from stead.release import Release, ReleaseStore
from stead.settings import Settings
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.probe import ProbeResult
from stead.words.progress import Progress

#: Room beside the copy itself: what the first days add, and what btrfs needs for its own.
_MORE, _AT_LEAST = 1.5, 4 << 30


def is_serving(home: Home) -> bool:
    """Whether the live machine runs on a stand-in, and the mount below still answers and can be read."""
    copies = home.recovery_mount / "ids"
    runs = machine.find(home, "live") is not None and data.stands_in(home)
    return runs and backup.answers(copies) and backup.reads(copies)


def serve_copy(home: Home, settings: Settings, progress: Progress) -> tuple[ProbeResult, ...]:
    """Serve from the copy; what is mounted and runs already stays, what died of it is begun again.

    PlaceUnreachable when the mount is lost and the place cannot be asked: half a server is left running then.
    """
    with held(home, "up", wait=60):
        state = states.load(home)
        if state is None or state.place is None or state.moved or is_serving(home):
            return ()
        lost = machine.find(home, "live") is not None and data.stands_in(home)
        if lost:
            with progress.step(f"the copy in {state.place_noun().name} is not to be read any more: asking the place"):
                backup.repository_id(opened(home, state.place_noun(), release.opener(home, progress)))
            if is_serving(home):
                return ()
        machine.stop(home, "live")
        data.end_stand_in(home)
        if lost:
            backup.let_go(home.recovery_mount)
        size = max(settings.data.first_size or 0, int(state.size * _MORE), _AT_LEAST)
        data.ensure_volume(home, size=size, own_btrfs=settings.data.btrfs)
        if state.restored and is_own(home):
            # Killed right after the switch, before that was noted.
            states.save(home, state, moved=True)
            return live.serve(home, settings, current_release(home).tree, progress, own=True)
        place = state.place_noun()
        with progress.step(f"mounting the copy in {place.name}"):
            backup.hold(opened(home, place, release.opener(home, progress)), home.recovery_mount)
            copy = backup.data_in(place, home.recovery_mount, str(state.snapshot))
            data.stand_in(home, copy)
        return live.serve(home, settings, _programs(home, state, progress), progress)


def let_go(home: Home) -> None:
    """Nothing is mounted from the place any more."""
    backup.let_go(home.recovery_mount)


def release_of(home: Home, state: State, releases: dict[str, str]) -> str | None:
    """Where the place keeps the programs this data was last served with (a snapshot's id), mounting it if need be."""
    place = state.place_noun()
    copy = backup.data_in(place, home.recovery_mount, str(state.snapshot))
    try:
        return releases.get(json.loads((copy / data.HOST_FOLDER / "release.json").read_text())["id"])
    except (OSError, ValueError, KeyError):
        return None


def mount(home: Home, state: State, program: Path) -> None:
    """Mount the copy's place where the server will find it."""
    backup.hold(opened(home, state.place_noun(), program), home.recovery_mount)


def _programs(home: Home, state: State, progress: Progress) -> Path:
    """The tree to boot: the one that is here, the one in the place, or one built now."""
    current = ReleaseStore(home).current()
    if current is not None:
        return current.tree
    kept = _kept(home, state)
    if kept is not None and kept.recipe == release.recipe_digest(release.recipe_of(services.SERVICES)):
        return kept.tree
    try:
        return live.ensure_release(home, progress).tree
    except SteadError:
        # Programs of another version are better than none; every probe is still to pass.
        if kept is None:
            raise
        return kept.tree


def _kept(home: Home, state: State) -> Release | None:
    if state.release is None:
        return None
    return Release.read(backup.release_in(state.place_noun(), home.recovery_mount, state.release))
