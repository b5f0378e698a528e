"""The release store: a folder per release and the links ``current`` and ``previous``. What is listed is what is there;
a release appears whole, by one rename, or not at all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from stead.release.building import Building, release_id
from stead.release.built import Release, whole
from stead.release.halfmade import building_folder, remove_half_made, remove_release
from stead.release.manifest import differences, digest_of, read_manifest, take_manifest
from stead.release.recipe import Recipe, recipe_digest
from stead.run.process import run
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.progress import Progress
from stead.words.quantities import say_size

#: Room for one build: packages, the unpacked tree, and some air.
ROOM_NEEDED = 1_500_000_000
_ID = re.compile(r"r-[0-9a-f]{12}")


class ReleaseStore:
    """The releases of one host."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.folder = home.releases

    def current(self) -> Release | None:
        """The release that machines are booted from (None: none was built yet)."""
        return self._linked("current")

    def previous(self) -> Release | None:
        """The release that was current before (None: there was none)."""
        return self._linked("previous")

    def list(self) -> tuple[Release, ...]:
        """All whole releases, the newest first."""
        folders = [p for p in self.folder.iterdir() if _ID.fullmatch(p.name)] if self.folder.is_dir() else []
        found = [release for release in map(whole, folders) if release is not None]
        return tuple(sorted(found, key=lambda release: release.built_at, reverse=True))

    def get(self, id: str) -> Release:
        """The release of this name; :class:`SteadError` when it is not here."""
        if not _ID.fullmatch(id) or not (self.folder / id).is_dir():
            present = ", ".join(release.id for release in self.list()) or "none"
            raise SteadError(f"there is no release {id} here", hint=f"present: {present}")
        return Release.read(self.folder / id)

    def build(self, recipe: Recipe, progress: Progress) -> Release:
        """Build a release beside the others and return it; the current one stays until :meth:`make_current`.

        Raises :class:`SteadError` (no disk, mirror down, file damaged ...) with nothing changed.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_half_made(self.folder)
        self._check_room()
        last = self.current()
        with _plain_umask(), building_folder(self.folder) as folder:
            building = Building(recipe, folder, progress, dict(last.seconds) if last else {})
            digest, packages, tools = building.make()
            name = release_id(digest)
            release = Release(
                id=name,
                folder=self.folder / name,
                digest=digest,
                recipe=recipe_digest(recipe),
                built_at=datetime.now(UTC).replace(microsecond=0),
                packages=packages,
                tools=tools,
                seconds=building.seconds,
            )
            self._move_in(folder, release)
        return release

    def take_in(self, fetch: Callable[[Path], object]) -> Release:
        """Take in a release that was built elsewhere: ``fetch`` puts all of it into the empty folder it is given.

        It is compared with its manifest and its name, every byte; :class:`SteadError` with nothing changed if it is
        not what it says.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_half_made(self.folder)
        with building_folder(self.folder) as folder:
            fetch(folder)
            release = Release.read(folder)
            if found := _problems(release):
                raise SteadError(f"the release {release.id} is not whole: {found[0]}", hint="stead up builds a new one")
            release = replace(release, folder=self.folder / release.id)
            self._move_in(folder, release)
        return release

    def make_current(self, id: str) -> None:
        """Let machines be booted from this release from now on: one atomic switch of a link."""
        release, before = self.get(id), self.current()
        if before is not None and before.id != release.id:
            self._link("previous", before.id)
        self._link("current", release.id)

    def prune(self, keep: Collection[str] = ()) -> tuple[str, ...]:
        """Remove all but the current, the previous and the named releases; returns what was removed."""
        kept = {*keep, *(release.id for release in (self.current(), self.previous()) if release is not None)}
        gone = tuple(release.id for release in self.list() if release.id not in kept)
        for id in gone:
            remove_release(self.folder / id)
        return gone

    def verify(self, id: str) -> tuple[str, ...]:
        """Compare a release with its manifest and its name, every byte; returns the first differences (none: sound)."""
        return _problems(self.get(id))

    def _move_in(self, folder: Path, release: Release) -> None:
        """Give a finished build its name. The same tree may be here already; it stays if it is sound."""
        if whole(release.folder) is not None and not self.verify(release.id):
            release.write(release.folder)
            return
        release.write(folder)
        if release.folder.exists():
            remove_release(release.folder)
        run(["sync", "-f", folder], timeout=600)  # before the name: what is listed survives a power cut whole
        folder.rename(release.folder)

    def _linked(self, name: str) -> Release | None:
        link = self.folder / name
        return whole(self.folder / os.readlink(link)) if link.is_symlink() else None

    def _link(self, name: str, id: str) -> None:
        half = self.folder / f".{name}"
        half.unlink(missing_ok=True)
        half.symlink_to(id)
        half.replace(self.folder / name)

    def _check_room(self) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < ROOM_NEEDED:
            raise SteadError(
                f"a new release needs {say_size(ROOM_NEEDED)} of disk, and {self.folder} has {say_size(free)} free",
                hint="free some space; nothing was changed",
            )


def _problems(release: Release) -> tuple[str, ...]:
    manifest = release.manifest.read_bytes()
    if release_id(digest_of(manifest)) != release.id:
        return (f"manifest.jsonl: its digest is not {release.id}",)
    found = list(differences(read_manifest(manifest), take_manifest(release.tree)))
    for name, expected in release.tools.items():
        tool = release.folder / "tools" / name
        if not tool.is_file() or sha256(tool.read_bytes()).hexdigest() != expected:
            found.append(f"tools/{name}: missing or changed")
    return tuple(found)


@contextmanager
def _plain_umask() -> Iterator[None]:
    """The modes of new files are the same whatever the caller's shell was set to."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)
