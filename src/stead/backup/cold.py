"""A place mounted cold: no cache, no lock, nothing kept. What is read through it was really in the place just now.

A damaged or missing pack is an I/O error for the reader; restic says why only for missing ones, so ``damage`` exists.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stead.backup.known import load_known
from stead.backup.locks import reading
from stead.backup.opening import open_place
from stead.backup.place import Place
from stead.backup.restic import DATA_PATH, RELEASE_PATH, Restic
from stead.backup.traffic import Traffic, count
from stead.backup.troubles import NoFuse, NoSuchSnapshot, PlaceDamaged, PlaceUnreachable, error_lines, first, trouble
from stead.backup.work import Child, end
from stead.run import CommandError, mounted, run, start, unmount
from stead.words.home import Home

_READY_WITHIN = 60.0
_LOAD = re.compile(r"^Load\(<(\w+)/(\w+)>.*failed: (?:open \S+: )?(.*)$")


@dataclass(frozen=True)
class MountedPlace:
    """A place seen as folders, each snapshot under ``ids/``. ``complaints`` is restic's stderr, in a file.

    ``expected`` are the snapshots we put there: one of them missing is a loss, not a mistake of the asker.
    """

    place: Place
    path: Path
    complaints: Path
    expected: frozenset[str]

    def data(self, snapshot: str) -> Path:
        """The folder of a data snapshot (full id); raises the noun if it is not there or cannot be read."""
        return self._folder(snapshot, DATA_PATH)

    def release(self, snapshot: str) -> Path:
        """The folder of a release snapshot: ``tree`` and the files that were stored beside it."""
        return self._folder(snapshot, RELEASE_PATH)

    def errors(self) -> tuple[str, ...]:
        """What restic could not read since it was mounted, each thing once. Empty does not mean undamaged."""
        found: dict[str, None] = {}
        for line in error_lines(self.complaints.read_text(errors="replace")):
            match = _LOAD.match(line)
            words = f"{match[1].replace('data', 'pack')} {match[2]} cannot be read: {match[3]}" if match else line
            found[words] = None
        return tuple(found)

    def _folder(self, snapshot: str, path: str) -> Path:
        folder = self.path / "ids" / snapshot / path.lstrip("/")
        try:
            # In a process of its own: if the place dies now, the listing can be given up.
            run(["ls", "-A", folder], timeout=_READY_WITHIN)
        except CommandError as unreadable:
            if unreadable.result is None:
                raise PlaceUnreachable(f"the place {self.place.name} stopped answering") from None
            if "No such file" in unreadable.message and not self.errors() and snapshot not in self.expected:
                raise NoSuchSnapshot(f"the place {self.place.name} has no snapshot {snapshot[:8]} of that") from None
            gone = (
                "it is not there any more" if "No such file" in unreadable.message else "its index is damaged or gone"
            )
            why = first(self.errors()) or gone
            raise PlaceDamaged(
                f"snapshot {snapshot[:8]} at the place {self.place.name} cannot be read: {why}"
            ) from None
        return folder


@contextmanager
def mount_cold(home: Home, place: Place, program: Path, mountpoint: Path) -> Iterator[MountedPlace]:
    """Mount the place at ``mountpoint`` while the context lasts, and leave nothing behind.

    The mount also ends if this process is killed. Call it in a thread that lives as long as the context.
    """
    restic = Restic(program, place)
    require_fuse()
    with reading(home, place):
        open_place(home, restic)
        mountpoint.mkdir(mode=0o700, parents=True, exist_ok=True)
        complaints = mountpoint.with_name(mountpoint.name + ".stderr")
        words = restic.words("mount", "--allow-other", "--path-template", "ids/%I", mountpoint)
        with complaints.open("wb") as err:
            child = start(restic.guarded(words), stderr=err, env=restic.env())
        try:
            _wait_until_ready(place, mountpoint, complaints, child)
            yield MountedPlace(place, mountpoint, complaints, load_known(home, place.name).expected_snapshots)
        finally:
            traffic = Traffic()
            if traffic.look(child.pid):
                count(home, place.name, read=traffic.read)
            end(child)
            unmount(mountpoint)
            complaints.unlink(missing_ok=True)
            mountpoint.rmdir()


def require_snapshot(home: Home, place: Place, snapshot: str) -> str:
    """The full id of a snapshot we put there, by its beginning; NoSuchSnapshot if we never did."""
    known = load_known(home, place.name).snapshot(snapshot)
    if known is None:
        raise NoSuchSnapshot(f"no snapshot {snapshot} was put into the place {place.name} from here")
    return known.id


def require_fuse() -> None:
    """Return if this computer can mount a place; :class:`NoFuse` with the next step if not."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as refused:
        raise NoFuse(
            f"this computer has no FUSE (/dev/fuse: {refused.strerror}), so a place cannot be mounted",
            hint="run `modprobe fuse`; in a container, /dev/fuse must be given to it. `stead drill --full` needs none",
        ) from None
    if not (shutil.which("fusermount3") or shutil.which("fusermount")):
        raise NoFuse("the program fusermount3 is not there", hint="install the package fuse3")


def _wait_until_ready(place: Place, mountpoint: Path, complaints: Path, child: Child) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while not mounted(mountpoint):
        code = child.poll()
        if code is not None:
            said = complaints.read_text(errors="replace")
            if "fuse" in said.lower():
                raise NoFuse(f"the place {place.name} cannot be mounted: {first(error_lines(said))}")
            raise trouble(place.name, code, said)
        if time.monotonic() > deadline:
            raise PlaceUnreachable(f"the place {place.name} could not be mounted within {_READY_WITHIN:.0f} s")
        time.sleep(0.05)
