"""Places that hold the release already: a server's first backup then stores its data alone.

Compressing a release costs eight seconds of a processor, and every server of the tests has the same one. The place is
made once for a clone, by the product, and kept beside the release; every server gets a copy with an id of its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from stead.backup import Place, load_known, place_of
from stead.backup.known import file_of, save_known
from stead.live.save import _keep_release
from stead.release import Release
from stead.run import run
from stead.words.home import Home
from stead.words.progress import Silent
from tests.rig.keys import Folders, empty_place, renamed
from tests.rig.releases import alone, store_home

_NAME = "made"


def prepare(home: Home, places: Iterable[Place], release: Release) -> None:
    """Put the release into all places in folders that are not there yet."""
    for place in places:
        folder = place.folder
        if folder is None or folder.exists() or not (folder.parent.is_dir() or home.lib in folder.parents):
            continue
        made = _made(release)
        folder.parent.mkdir(parents=True, exist_ok=True)
        run(["cp", "-a", made / "place", folder], timeout=60)
        password = made / "home/lib/secrets" / f"place-{_NAME}.password"
        home.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(password, place.password_file)
        files = {path: (folder / path).read_bytes() for path in ("config", *Folders().files(str(folder)))}
        config, repository = renamed(files, password.read_text())
        Folders().remove(str(folder), "config")
        Folders().write(str(folder), "config", config)
        save_known(home, place.name, replace(load_known(Home.at(made / "home"), _NAME), repository=repository))


def _made(release: Release) -> Path:
    """The folder with the place that is copied, and the home that knows it."""
    kept = store_home().lib / f"place-{release.id}"
    with alone(store_home().lib):
        if not kept.is_dir():
            for old in kept.parent.glob("place-r-*"):
                shutil.rmtree(old)
            with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
                _make(Path(folder), release)
                Path(folder, "whole").mkdir()
                for part in ("home", "place"):
                    Path(folder, part).rename(Path(folder, "whole", part))
                Path(folder, "whole").rename(kept)
    return kept


def _make(folder: Path, release: Release) -> None:
    home, url = Home.at(folder / "home"), str(folder / "place")
    program = release.folder / "tools/restic"
    place = place_of(home, _NAME, url)
    password, files = empty_place(program)
    home.secrets.mkdir(mode=0o700, parents=True)
    place.password_file.write_text(password)
    place.password_file.chmod(0o600)
    for path, content in files.items():
        Folders().write(url, path, content)
    _keep_release(home, place, program, release, Silent(), most=None)
    assert file_of(home, _NAME).exists() and os.listdir(folder / "place/snapshots")
    shutil.rmtree(home.lib / "cache", ignore_errors=True)
