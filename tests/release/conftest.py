"""Small real things to test releases with: a hand-made release, and a Debian archive of our own behind HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stead.release import Package, Release, ReleaseStore
from stead.release.building import release_id
from stead.release.manifest import digest_of, manifest_bytes, take_manifest
from stead.words.home import Home

from .archive import Archive


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


@pytest.fixture
def store(home: Home) -> ReleaseStore:
    home.releases.mkdir(parents=True)
    return ReleaseStore(home)


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """A signed archive with one package, and a host that trusts its key."""
    made = Archive(tmp_path / "archive")
    monkeypatch.setenv("STEAD_KEYRING", str(made.keyring))
    with made.served():
        yield made


def hand_made(store: ReleaseStore, content: str, built_at: str = "2026-01-01T00:00:00+00:00") -> Release:
    """A whole release with two files in it, put where the store keeps releases."""
    folder = store.folder / "new"
    (folder / "tree/etc").mkdir(parents=True)
    (folder / "tree/etc/hosts").write_text(content)
    (folder / "tree/link").symlink_to("etc/hosts")
    manifest = manifest_bytes(take_manifest(folder / "tree"))
    (folder / "manifest.jsonl").write_bytes(manifest)
    digest = digest_of(manifest)
    release = Release(
        id=release_id(digest),
        folder=store.folder / release_id(digest),
        digest=digest,
        recipe="0" * 64,
        built_at=datetime.fromisoformat(built_at).astimezone(UTC),
        packages=(Package("deb", "tzdata", "2026a-0", "all", "tzdata"),),
        tools={},
        seconds={"packages": 1.5},
    )
    release.write(folder)
    folder.rename(release.folder)
    return release
