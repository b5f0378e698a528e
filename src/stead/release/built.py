"""A finished release: its folder, read and written whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from stead.release.sbom import Package
from stead.words.errors import SteadError
from stead.words.quantities import read_time, say_time


@dataclass(frozen=True)
class Release:
    """One release. ``recipe`` is the digest of what it was made from, ``seconds`` what each step of its build took."""

    id: str
    folder: Path
    digest: str
    recipe: str
    built_at: datetime
    packages: tuple[Package, ...]
    tools: Mapping[str, str]
    seconds: Mapping[str, float]

    @property
    def tree(self) -> Path:
        """The root of the machine's programs; owners are shifted by GUEST_UID_BASE."""
        return self.folder / "tree"

    @property
    def manifest(self) -> Path:
        """What is in the tree, one JSON line per entry."""
        return self.folder / "manifest.jsonl"

    @property
    def sbom(self) -> Path:
        """The package list, CycloneDX JSON."""
        return self.folder / "sbom.cdx.json"

    @classmethod
    def read(cls, folder: Path) -> Release:
        """The release in ``folder``; :class:`SteadError` when it is not a whole one."""
        try:
            facts = json.loads((folder / "release.json").read_text("utf-8"))
            packages = tuple(Package(**package) for package in facts.pop("packages"))
            built_at = read_time(facts.pop("built_at"))
            return cls(folder=folder, packages=packages, built_at=built_at, **facts)
        except (OSError, ValueError, TypeError, KeyError) as broken:
            raise SteadError(f"{folder} is not a whole release ({broken})", hint="stead up builds a new one") from None

    def write(self, folder: Path) -> None:
        """Write ``release.json`` into ``folder``, whole or not at all."""
        facts = asdict(self) | {"built_at": say_time(self.built_at), "tools": dict(self.tools)}
        del facts["folder"]
        half = folder / ".release.json"
        half.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
        half.replace(folder / "release.json")


def host_restic(release: Release) -> Path:
    """The restic that the host runs: Debian's, out of the same signed archive as the release."""
    return release.folder / "tools" / "restic"


def whole(folder: Path) -> Release | None:
    """The release in ``folder``, or None: a damaged one counts as none, so that a new one is built."""
    try:
        return Release.read(folder)
    except SteadError:
        return None
