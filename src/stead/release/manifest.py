"""The manifest of a tree: one line per entry with all that matters, hashed in parallel; comparing a tree with it."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from stead.words.declaration import GUEST_UID_BASE

_TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
}


@dataclass(frozen=True)
class Entry:
    """One thing in a tree. ``owner`` and ``group`` are guest numbers; ``size`` and ``sha256`` only of files."""

    path: str
    type: str
    mode: str
    owner: int
    group: int
    size: int | None = None
    sha256: str | None = None
    target: str | None = None


def take_manifest(tree: Path, *, workers: int | None = None) -> list[Entry]:
    """Every entry of a tree whose owners are shifted, sorted by path."""
    with ThreadPoolExecutor(workers or os.cpu_count() or 2) as pool:
        paths = sorted(_paths(tree), key=os.fsencode)
        return list(pool.map(lambda path: _entry(tree, path), paths, chunksize=64))


def manifest_bytes(entries: Iterable[Entry]) -> bytes:
    """The manifest's text (JSON lines): the same entries always give the same bytes."""
    lines = (json.dumps({k: v for k, v in asdict(entry).items() if v is not None}, sort_keys=True) for entry in entries)
    return "".join(line + "\n" for line in lines).encode()


def read_manifest(text: bytes) -> list[Entry]:
    """The entries in a manifest's text."""
    return [Entry(**json.loads(line)) for line in text.splitlines()]


def digest_of(manifest: bytes) -> str:
    """The digest of a release: SHA-256 over its manifest."""
    return hashlib.sha256(manifest).hexdigest()


def differences(expected: Iterable[Entry], found: Iterable[Entry], *, most: int = 20) -> tuple[str, ...]:
    """The first ``most`` differences in words, in order of their paths."""
    return tuple(islice(_differences({e.path: e for e in expected}, {e.path: e for e in found}), most))


def _differences(expected: dict[str, Entry], found: dict[str, Entry]) -> Iterator[str]:
    for path in sorted({*expected, *found}):
        before, now = expected.get(path), found.get(path)
        if before is None:
            yield f"{path}: not in the manifest"
        elif now is None:
            yield f"{path}: missing"
        elif before != now:
            was, is_now = asdict(before), asdict(now)
            yield f"{path}: " + ", ".join(f"{k} {was[k]} is now {is_now[k]}" for k in was if was[k] != is_now[k])


def _paths(tree: Path) -> Iterator[str]:
    pending = [""]
    while pending:
        folder = pending.pop()
        yield folder
        with os.scandir(tree / folder) as entries:
            for entry in entries:
                path = os.path.join(folder, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                else:
                    yield path


def _entry(tree: Path, path: str) -> Entry:
    place = tree / path
    info = os.lstat(place)
    kind = _TYPES[stat.S_IFMT(info.st_mode)]
    is_file = kind == "file"
    return Entry(
        path=f"/{path}",
        type=kind,
        mode=f"{stat.S_IMODE(info.st_mode):04o}",
        owner=info.st_uid - GUEST_UID_BASE,
        group=info.st_gid - GUEST_UID_BASE,
        size=info.st_size if is_file else None,
        sha256=_hash(place) if is_file else None,
        target=os.readlink(place) if kind == "link" else None,
    )


def _hash(file: Path) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
