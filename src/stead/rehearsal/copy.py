"""A backup opened so that it can be booted: its data mounted (or restored), a layer to write on, a release to boot."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from stead import backup
from stead.backup import MountedPlace
from stead.rehearsal import layers
from stead.rehearsal.choice import Choice
from stead.rehearsal.known import current_release, restic_program
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.progress import Progress

#: Seconds to look for the cause of a failure in the place itself.
_CAUSE_WITHIN = 30.0


@dataclass(frozen=True)
class Copy:
    """``saved`` is the data as it came back, ``data`` the same with a writable layer over it, ``tree`` the release.

    ``place`` is None when everything was restored to disk and nothing is mounted.
    """

    saved: Path
    data: Path
    tree: Path
    place: MountedPlace | None

    def errors(self) -> tuple[str, ...]:
        """What the place could not read so far."""
        return self.place.errors() if self.place else ()


def open_copy(home: Home, choice: Choice, folder: Path, stack: ExitStack, *, restored: Path | None) -> Copy:
    """Open the chosen backup below ``folder``; all of it is let go when ``stack`` is. ``restored``: it lies there."""
    program = restic_program(home)
    place = None
    if restored is None or choice.release_snapshot is not None:
        place = stack.enter_context(backup.mount_cold(home, choice.place, program, folder / "place"))
    if restored is not None:
        saved = restored
    else:
        assert place is not None
        saved = place.data(choice.snapshot.id)
    if place is not None and choice.release_snapshot is not None:
        tree = place.release(choice.release_snapshot) / "tree"
    else:
        tree = current_release(home).tree
    return Copy(saved, stack.enter_context(layers.overlay(folder, saved)), tree, place)


def restore(home: Home, choice: Choice, target: Path, progress: Progress) -> Path:
    """The snapshot on disk below ``target``, every byte compared with its manifest."""
    program = restic_program(home)
    restored = backup.restore_cold(home, choice.place, program, choice.snapshot.id, target=target, progress=progress)
    compared = backup.compare_with_manifest(restored.path, digest=choice.snapshot.manifest)
    if compared.problems:
        raise SteadError(f"not every byte came back: {'; '.join(compared.problems[:3])}")
    return restored.path


def with_cause(home: Home, choice: Choice, copy: Copy, reason: str) -> str:
    """``reason`` with its cause, if that is damage in the place: a machine on damaged data says little by itself."""
    found = copy.errors()
    if not found and choice.place.folder is not None:
        found = backup.damage(home, choice.place, restic_program(home), within=_CAUSE_WITHIN)
    return f"the place gave damaged data: {'; '.join(found[:3])}; so {reason}" if found else reason
