"""What a backup saves, what it does not and why, with sizes; and state outside data, which no backup can save."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stead.words.declaration import DataFolder, Saved
from stead.words.home import Home

#: What a machine writes outside data at every boot; less than this is no state that anybody would miss.
_OWN = ("etc/machine-id", "run", "tmp", "var/tmp", "var/log", "var/cache", "var/lib/systemd", "root/.cache")
_SMALL = 1 << 20


@dataclass(frozen=True)
class Explained:
    """One folder of data: how it is saved, and what it holds now (None: it is not there)."""

    service: str
    path: str
    saved: Saved
    why: str
    files: int | None
    size: int | None


@dataclass(frozen=True)
class Outside:
    """Something the machine wrote where it is thrown away: ``path`` as the machine sees it."""

    path: str
    files: int
    size: int


def explained(home: Home, folders: Iterable[tuple[str, DataFolder]]) -> tuple[Explained, ...]:
    """Each declared folder of data with its size; a folder inside another is counted on its own."""
    declared = list(folders)
    own = {folder.path for _service, folder in declared}
    rows = []
    for service, folder in declared:
        found = _weigh(home.data / folder.path, {str(home.data / path) for path in own - {folder.path}})
        files, size = found or (None, None)
        rows.append(Explained(service, folder.path, folder.saved, folder.why, files, size))
    return tuple(rows)


def undeclared(home: Home, folders: Iterable[tuple[str, DataFolder]]) -> tuple[str, ...]:
    """Top folders of data that nobody declares: they are saved whole, too, because nothing is left out by a pattern."""
    tops = {folder.path.partition("/")[0] for _service, folder in folders}
    try:
        return tuple(sorted(set(os.listdir(home.data)) - tops))
    except FileNotFoundError:
        return ()


def outside_data(upper: Path) -> tuple[Outside, ...]:
    """What lies in a machine's throw-away layer and is not what every boot writes: state that no backup holds."""
    found = []
    for path in sorted(_tops(upper)):
        name = str(path.relative_to(upper))
        weight = _weigh(path, set())
        if weight and weight[0] and (weight[1] >= _SMALL or not _is_own(name)):
            found.append(Outside("/" + name, *weight))
    return tuple(found)


def _tops(upper: Path) -> Iterator[Path]:
    """Files, and folders of the second level: ``/var/lib`` says little, ``/var/lib/redis`` says what it is."""
    for path in _entries(upper):
        for below in _entries(path) if path.is_dir() and not path.is_symlink() else [path]:
            if below.is_dir() and not below.is_symlink() and below.relative_to(upper).parts[0] == "var":
                yield from _entries(below)
            else:
                yield below


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_own(name: str) -> bool:
    return any(name == own or name.startswith(own + "/") for own in _OWN)


def _weigh(place: Path, without: set[str]) -> tuple[int, int] | None:
    """Files and bytes below a path, no link followed: the tree is the machine's."""
    try:
        info = place.lstat()
    except OSError:
        return None
    if not stat.S_ISDIR(info.st_mode):
        return (1, info.st_size) if stat.S_ISREG(info.st_mode) else (0, 0)
    files = size = 0
    waiting = [str(place)]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.path not in without:
                    waiting.append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                files, size = files + 1, size + entry.stat(follow_symlinks=False).st_size
    return files, size
