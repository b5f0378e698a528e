"""A place mounted for a server that lives on it: the mount outlasts the program that made it, and is found again."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from stead.backup.cold import require_fuse
from stead.backup.place import Place
from stead.backup.restic import DATA_PATH, RELEASE_PATH, Restic
from stead.backup.troubles import PlaceDamaged, PlaceUnreachable, error_lines, first, trouble
from stead.run import CommandError, mounted, run, start, unmount

_SAMPLING = Path(__file__).with_name("sampling.py")
_READY_WITHIN = 60.0
#: Seconds a folder of the mount may take to be listed before the mount counts as dead.
_ANSWER_WITHIN = 45.0


def hold(restic: Restic, point: Path) -> None:
    """Mount the place at ``point``, each snapshot under ``ids/``, until :func:`let_go` or a reboot.

    A mount that still answers and reads is kept. Raises the nouns of ``troubles``.
    """
    require_fuse()
    if mounted(point):
        if answers(point / "ids") and reads(point / "ids"):
            return
        let_go(point)
    point.mkdir(mode=0o700, parents=True, exist_ok=True)
    complaints = point.with_name(point.name + ".stderr")
    words = restic.words("mount", "--allow-other", "--path-template", "ids/%I", point)
    with complaints.open("wb") as err:
        child = start(restic.guarded(words, outlives=True), stderr=err, env=restic.env())
    deadline = time.monotonic() + _READY_WITHIN
    while not mounted(point):
        if (code := child.poll()) is not None:
            raise trouble(restic.place.name, code, complaints.read_text(errors="replace"))
        if time.monotonic() > deadline:
            child.kill()
            raise PlaceUnreachable(f"the place {restic.place.name} could not be mounted within {_READY_WITHIN:.0f} s")
        time.sleep(0.05)


def data_in(place: Place, point: Path, snapshot: str) -> Path:
    """The folder of a data snapshot (full id) in a held mount; PlaceDamaged when it cannot be read."""
    return _folder(place, point, snapshot, DATA_PATH)


def release_in(place: Place, point: Path, snapshot: str) -> Path:
    """The folder of a release snapshot: ``tree`` and the files that were stored beside it."""
    return _folder(place, point, snapshot, RELEASE_PATH)


def answers(folder: Path) -> bool:
    """Whether a folder of a mount can be listed now. Asked in a process of its own, which can be given up."""
    try:
        run(["ls", "-A", folder], timeout=_ANSWER_WITHIN)
    except CommandError:
        return False
    return True


def reads(folder: Path) -> bool:
    """Whether files of a mount can still be read: what was looked at before answers even when the place is gone for
    good (restic opens a connection over SFTP once). A slow answer counts as one."""
    try:
        return run([sys.executable, "-I", "-S", _SAMPLING, folder], timeout=_ANSWER_WITHIN, expect=(0, 1)).code == 0
    except CommandError:
        return True


def let_go(point: Path) -> None:
    """Unmount; the program behind it ends with that. Nothing to do is fine."""
    unmount(point, patience=3.0)


def _folder(place: Place, point: Path, snapshot: str, path: str) -> Path:
    folder = point / "ids" / snapshot / path.lstrip("/")
    if not answers(folder):
        said = point.with_name(point.name + ".stderr").read_text(errors="replace")
        why = first(error_lines(said)) or "it is not there"
        raise PlaceDamaged(
            f"snapshot {snapshot[:8]} at the place {place.name} cannot be read: {why}",
            hint="try another place (--place) or an earlier snapshot (--snapshot)",
        )
    return folder
