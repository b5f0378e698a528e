"""A home with data and a release of a few bytes: ``live.backup`` runs whole in it, in seconds, without a server."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from stead import data, live
from stead.backup import Place, load_known, place_of
from stead.backup.known import save_known
from stead.live.save import Saving
from stead.records import Records
from stead.release import Release
from stead.settings import PlaceSetting, Settings, parse
from stead.words.home import Home
from stead.words.progress import Silent
from tests.rig.keys import Files, Folders, empty_place
from tests.rig.places import Server
from tests.rig.server import lend


@dataclass
class Saver:
    """Backs up to whatever places it is told of, through the product's own story."""

    home: Home
    restic: Path

    def settings(self, *places: PlaceSetting) -> Settings:
        """Default settings with these places."""
        return replace(parse("", self.home.settings_file), places=places)

    def place(self, name: str, url: str, server: Server | None = None) -> PlaceSetting:
        """A place; for SFTP with the key it needs as its credentials."""
        file = None
        if server is not None and server.key is not None and server.hosts is not None:
            file = self.home.etc / f"{name}.env"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"STEAD_SSH_KEY={_base64(server.key)}\nSTEAD_SSH_HOSTS={_base64(server.hosts)}\n")
        return PlaceSetting(name, url, file)

    def begun(self, name: str, url: str, server: Server | None = None) -> PlaceSetting:
        """A place that is there, empty: for tests of what comes after. It opens at once (``keys``)."""
        setting = self.place(name, url, server if server is not None and server.key else None)
        password, files = empty_place(self.restic)
        file = self.home.secrets / f"place-{name}.password"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(password)
        file.chmod(0o600)
        where: Files = server if server is not None else Folders()
        for path, content in files.items():
            where.write(name if server is not None else url, path, content)
        return setting

    def noun(self, setting: PlaceSetting) -> Place:
        """The same for the backup room."""
        return place_of(self.home, setting.name, setting.url, credentials_file=setting.credentials_file)

    def backup(self, *places: PlaceSetting) -> dict[str, Saving]:
        """One backup to all of them, by name."""
        return {saving.place: saving for saving in live.backup(self.home, self.settings(*places), Silent())}

    def remember_as(self, old: str, new: str) -> None:
        """A place whose files were copied is known as the old one was, and has its password."""
        save_known(self.home, new, load_known(self.home, old))
        password = self.home.secrets / f"place-{new}.password"
        shutil.copy(self.home.secrets / f"place-{old}.password", password)
        with Records(self.home.records) as records:
            for snapshot in records.snapshots(old):
                records.save_snapshot(replace(snapshot, place=new))

    def change(self, name: str = "more", size: int = 300_000) -> None:
        """Write something new into data, so that a backup has something to send."""
        (self.home.data / "files" / name).write_bytes(os.urandom(size))


@contextmanager
def saver(home: Home, folder: Path, restic: Path) -> Iterator[Saver]:
    """Make one in ``home``; ``folder`` gets the release. Data is a btrfs image, let go of afterwards."""
    lend(home, _small_release(folder, restic))
    data.ensure_volume(home, size=400_000_000)
    try:
        _fill(
            home.data,
            {
                "identity/users": "alice\n",
                "keys/dkim/key": "k\n",
                "mail/1": "a mail\n",
                "files/a": "a\n",
                "web/site/index.html": "hi\n",
            },
        )
        (home.data / "files/photo").write_bytes(os.urandom(2_000_000))
        yield Saver(home, restic)
    finally:
        data.unmount(home)


def _fill(root: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


def _small_release(folder: Path, restic: Path) -> Release:
    _fill(folder, {"manifest.jsonl": "{}\n", "sbom.cdx.json": "{}\n", "tree/etc/os-release": "small\n"})
    (folder / "tools").mkdir()
    # A link: the program itself is large, and is not what these tests are about.
    (folder / "tools/restic").symlink_to(restic)
    digest = sha256(b"small").hexdigest()
    release = Release("r-" + digest[:12], folder, digest, digest, datetime.now(UTC), (), {}, {})
    release.write(folder)
    return release


def _base64(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
