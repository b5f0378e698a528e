"""Real places, made by a real restic, from a small tree of data that stands in for a picture."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stead.backup import BackupOutcome, Place, ensure_place, load_known, manifest_maker, place_of, run_backup
from stead.run import run
from stead.words.declaration import Inventory
from stead.words.home import Home
from stead.words.picture import Picture
from stead.words.progress import Silent
from tests.rig.keys import quicken

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def restic() -> Path:
    program = Path(os.environ.get("STEAD_RESTIC", "no restic"))
    if not program.exists():
        pytest.skip("no restic 0.18: name one in STEAD_RESTIC")
    return program


@dataclass
class Rig:
    """One home, one place, and data to put into it."""

    home: Home
    restic: Path
    place: Place
    data: Path

    def picture(self, name: str = "20260301T120000Z-backup") -> Picture:
        """A copy of data with its manifest: what a picture is to a backup."""
        path = self.home.lib / "pictures" / name
        shutil.rmtree(path, ignore_errors=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        run(["cp", "-a", self.data, path], timeout=60)
        (path / ".stead").mkdir()
        (path / ".stead/release.json").write_text("{}")
        manifest_maker()(path)
        return Picture(name, path, NOW, for_backup=True)

    def backup(self, picture: Picture | None = None, expected: tuple[str, ...] = ("mail",)) -> BackupOutcome:
        inventory = {"mail": Inventory({"messages": 50}, {"alice/INBOX": 50})}
        return run_backup(
            self.home, self.place, self.restic, picture or self.picture(),
            inventory=inventory, release="r-0123456789ab", progress=Silent(), expected=expected,
        )  # fmt: skip

    @property
    def repository(self) -> Path:
        assert self.place.folder is not None
        return self.place.folder

    @property
    def newest(self) -> str:
        """The id of the newest good snapshot."""
        known = load_known(self.home, "attic").newest
        assert known is not None
        return known.id

    def packs(self) -> list[Path]:
        """Pack files, the biggest (data) first, the smallest (metadata) last."""
        return sorted(self.repository.glob("data/*/*"), key=lambda path: -path.stat().st_size)


def make_data(data: Path) -> None:
    """Fifty mails, a photo, and the names and kinds of files that break things."""
    inbox = data / "mail/home/alice/Maildir/cur"
    inbox.mkdir(parents=True)
    for number in range(50):
        (inbox / f"{number}.host:2,S").write_text(f"mail {number}\n" * 40)
    (data / "files/home/alice").mkdir(parents=True)
    (data / "files/home/alice/photo").write_bytes(os.urandom(3_000_000))
    os.symlink("photo", data / "files/home/alice/link")
    (data / "files/home/alice/caf\udce9").write_text("a name that is no UTF-8")
    os.mkfifo(data / "files/pipe")
    os.chown(data / "mail", 524902, 524902)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, restic: Path) -> Rig:
    """A place with one backup in it, made once: every test gets a copy, because restic takes half a second to open."""
    if os.geteuid():
        pytest.skip("needs root")
    base = tmp_path_factory.mktemp("template")
    home = Home.at(base / "home")
    place, made = ensure_place(home, "attic", str(base / "attic"), restic)
    assert made
    quicken(str(base / "attic"), place.password_file)
    make_data(base / "data")
    rig = Rig(home, restic, place, base / "data")
    assert rig.backup().problems == ()
    return rig


@pytest.fixture
def rig(tmp_path: Path, template: Rig) -> Rig:
    """A place with one good backup in it."""
    run(["cp", "-a", f"{template.data.parent}/.", tmp_path], timeout=60)
    home = Home.at(tmp_path / "home")
    return Rig(home, template.restic, place_of(home, "attic", str(tmp_path / "attic")), tmp_path / "data")


@pytest.fixture
def empty_rig(tmp_path: Path, restic: Path) -> Rig:
    """A home with data and no place yet; ``place`` is what will be made."""
    if os.geteuid():
        pytest.skip("needs root")
    home = Home.at(tmp_path / "home")
    make_data(tmp_path / "data")
    return Rig(home, restic, place_of(home, "attic", str(tmp_path / "attic")), tmp_path / "data")


def damage_file(path: Path, at: int = 100) -> None:
    """Change eight bytes in the middle of a file that restic made read-only."""
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\0DAMAGE\0")
