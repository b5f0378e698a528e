"""One build, from a recipe to a finished folder beside the store: nothing here is visible as a release yet."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from stead.release import python_parts, tidy
from stead.release.accounts import settle_accounts
from stead.release.bootstrap import Bootstrap
from stead.release.manifest import digest_of, manifest_bytes, take_manifest
from stead.release.recipe import Recipe
from stead.release.sbom import Package, cyclonedx, installed_packages
from stead.run.process import run
from stead.words.errors import SteadError
from stead.words.progress import Progress

#: Seconds each step took on two cores, for the first build of a host.
USUAL_SECONDS = {"packages": 75.0, "settle": 4.0, "manifest": 2.0}


@dataclass
class Building:
    """The state of one build in ``folder``; ``expected`` are the seconds its steps took the last time."""

    recipe: Recipe
    folder: Path
    progress: Progress
    expected: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def make(self) -> tuple[str, tuple[Package, ...], dict[str, str]]:
        """Build all of it. Returns the digest, what is installed, and the tools' hashes."""
        work, tree = self.folder / "work", self.folder / "tree"
        with self._step("packages", "Installing Debian packages into a new release"):
            self._install(tree, work)
        with self._step("settle", "Making the release the same in every build"):
            self._settle(tree, work)
            tools = self._take_restic(work)
            packages = installed_packages(tree)
            shutil.rmtree(work)
            tidy.settle_owners(tree)
        with self._step("manifest", "Hashing every file of the release"):
            manifest = manifest_bytes(take_manifest(tree))
            digest = digest_of(manifest)
            (self.folder / "manifest.jsonl").write_bytes(manifest)
            (self.folder / "sbom.cdx.json").write_bytes(cyclonedx(release_id(digest), packages))
        return digest, packages, tools

    def _install(self, tree: Path, work: Path) -> None:
        """mmdebstrap and pip at the same time: the one waits for the disk and the other for the network."""
        work.mkdir(mode=0o711)
        with ThreadPoolExecutor(1) as pool:
            parts: Future[None] | None = None
            if self.recipe.python:
                parts = pool.submit(python_parts.fetch, self.recipe.python, work / "python")
            Bootstrap(self.recipe, tree, work).build()
            if parts is not None:
                parts.result()

    def _settle(self, tree: Path, work: Path) -> None:
        settle_accounts(tree, self.recipe)
        tidy.tidy(tree)
        tidy.disable_units(tree)
        if self.recipe.python:
            python_parts.install(work / "python", tree)
        tidy.place_files(tree, self.recipe.files)
        tidy.compile_python(tree)

    def _take_restic(self, work: Path) -> dict[str, str]:
        package = next((work / "debs").glob("restic_*.deb"), None)
        if package is None:
            raise SteadError("no new release was built: the archive gave no restic")
        run(["dpkg-deb", "-x", package, work / "restic"], timeout=60)
        tool = self.folder / "tools" / "restic"
        tool.parent.mkdir()
        (work / "restic/usr/bin/restic").rename(tool)
        os.chmod(tool, 0o755)
        return {"restic": sha256(tool.read_bytes()).hexdigest()}

    @contextmanager
    def _step(self, name: str, words: str) -> Iterator[None]:
        began = time.monotonic()
        with self.progress.step(words, expected=self.expected.get(name, USUAL_SECONDS[name])):
            yield
        self.seconds[name] = round(time.monotonic() - began, 2)


def release_id(digest: str) -> str:
    """The name of a release with this digest."""
    return f"r-{digest[:12]}"
