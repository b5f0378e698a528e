"""Publish a folder as the web page: through WebDAV, like any owner's program, so no planted link can lead the host.

New things go in before what leads to them, and old things go last, so that a visitor meanwhile sees the old page or
the new one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from stat import S_ISDIR, S_ISREG
from urllib.parse import quote, unquote

from stead.probes.http import request
from stead.words.errors import SteadError, UsageError
from stead.words.probe import ProbeFailure, Target
from stead.words.progress import Progress

SITE = "/files/site/"
#: A larger file is better brought by a WebDAV program, which can go on where it was cut.
LARGEST = 512 * 1024 * 1024

_LISTING = b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>'
_ANSWER = re.compile(rb"<(?:\w+:)?response[ >].*?</(?:\w+:)?response>", re.DOTALL)
_HREF = re.compile(rb"<(?:\w+:)?href>([^<]{1,4096})</")
_COLLECTION = re.compile(rb"<(?:\w+:)?collection\s*/?>")
_DEEPEST = 64


@dataclass(frozen=True)
class Published:
    """What was done: files and bytes sent, files removed, and names left out (links, devices, names with a dot)."""

    files: int
    bytes: int
    removed: int
    left_out: tuple[str, ...]
    has_first_page: bool


@dataclass(frozen=True)
class _Source:
    folders: tuple[PurePosixPath, ...]
    files: tuple[PurePosixPath, ...]
    left_out: tuple[str, ...]


def publish(source: Path, target: Target, progress: Progress) -> Published:
    """Make the page what the folder ``source`` holds. Names in the page that begin with a dot are left alone.

    :class:`UsageError` when there is nothing to publish; :class:`SteadError` when the server refuses: a part of the new
    files may be there then, and the old ones, which go last, still are.
    """
    found = _look(source)
    if not found.files:
        raise UsageError(f"{source} holds no file to publish", hint="name a folder with an index.html in it")
    patient = replace(target, timeout=max(target.timeout, 120.0))
    try:
        with progress.step(f"sending {len(found.files)} files"):
            old_files, old_folders = _present(patient)
            _make_room(patient, found, old_files, old_folders)
            size = sum(_send(patient, source, path) for path in sorted(found.files, key=_order))
        kept = {*found.files, *found.folders}
        gone = sorted(old_files - kept)
        with progress.step(f"removing {len(gone)} old files"):
            for path in (*gone, *sorted(old_folders - kept, reverse=True)):
                _ask(patient, "DELETE", path, (200, 204, 404))
    except (OSError, ProbeFailure) as refused:
        raise SteadError(f"publishing stopped: {refused}", hint="mend the cause, then publish again") from None
    return Published(len(found.files), size, len(gone), found.left_out, PurePosixPath("index.html") in found.files)


def _look(source: Path) -> _Source:
    """The folders (parents first), files, and left out names of the source."""
    if not source.is_dir():
        raise UsageError(f"{source} is not a folder", hint="name the folder with the page's files")
    folders: list[PurePosixPath] = []
    files: list[PurePosixPath] = []
    left_out: list[str] = []
    waiting = [PurePosixPath()]
    while waiting:
        folder = waiting.pop()
        for name in sorted(os.listdir(source / folder)):
            path = folder / name
            mode = (source / path).lstat().st_mode
            hidden = name.startswith(".") and path != PurePosixPath(".well-known")
            if hidden or not _sayable(name) or not (S_ISDIR(mode) or S_ISREG(mode)):
                left_out.append(os.fsencode(path).decode("utf-8", "replace"))
            elif S_ISDIR(mode):
                folders.append(path)
                waiting.append(path)
            else:
                files.append(path)
    return _Source(tuple(sorted(folders)), tuple(files), tuple(sorted(left_out)))


def _sayable(name: str) -> bool:
    return name.isprintable() and name.encode("utf-8", "ignore").decode() == name


def _order(path: PurePosixPath) -> tuple[bool, int, bool, str]:
    """Pictures, styles and scripts first, then pages, those above after those below, a folder's first page last."""
    is_page = path.suffix.lower() in (".html", ".htm", ".xml", ".json", ".webmanifest")
    return is_page, -len(path.parts) if is_page else 0, path.stem == "index", str(path)


def _present(target: Target) -> tuple[set[PurePosixPath], set[PurePosixPath]]:
    """The files and folders that are in the page now."""
    files: set[PurePosixPath] = set()
    folders: set[PurePosixPath] = set()
    waiting = [PurePosixPath()]
    while waiting:
        folder = waiting.pop()
        for path, is_folder in _members(target, folder):
            if not is_folder:
                files.add(path)
            elif path not in folders and len(path.parts) < _DEEPEST:
                folders.add(path)
                waiting.append(path)
    return files, folders


def _members(target: Target, folder: PurePosixPath) -> Iterator[tuple[PurePosixPath, bool]]:
    # The answer comes from the machine: it is searched for names, and only direct members of the folder are taken.
    place = _place(folder, folder=True)
    answer = request(target, "PROPFIND", place, body=_LISTING, headers={"Depth": "1", "Content-Type": "text/xml"})
    if answer.status != 207:
        raise ProbeFailure(f"the list of {place} was answered with {answer.status}")
    for block in _ANSWER.findall(answer.body):
        href = _HREF.search(block)
        parent, _, name = unquote(href[1].decode("utf-8", "replace").rstrip("/") if href else "").rpartition("/")
        if parent + "/" == unquote(place) and name not in ("", "..") and not name.startswith("."):
            yield folder / name, bool(_COLLECTION.search(block))


def _make_room(target: Target, found: _Source, old_files: set[PurePosixPath], old_folders: set[PurePosixPath]) -> None:
    """Folders first. Where a file becomes a folder or the other way round, the old one has to go before."""
    for path in sorted(old_folders & set(found.files)) + sorted(old_files & set(found.folders)):
        _ask(target, "DELETE", path, (200, 204, 404))
    for path in found.folders:
        if path not in old_folders:
            _ask(target, "MKCOL", path, (201, 405))


def _send(target: Target, source: Path, path: PurePosixPath) -> int:
    with open(source / path, "rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise SteadError(f"{path} is larger than {LARGEST >> 20} MB", hint=f"bring it to {SITE} by a WebDAV program")
    _ask(target, "PUT", path, (200, 201, 204), content)
    return len(content)


def _ask(target: Target, method: str, path: PurePosixPath, allowed: tuple[int, ...], body: bytes = b"") -> None:
    answer = request(target, method, _place(path), body=body)
    if answer.status not in allowed:
        raise ProbeFailure(f"{method} {_place(path)} was answered with {answer.status}")


def _place(path: PurePosixPath, *, folder: bool = False) -> str:
    inside = "/".join(quote(part) for part in path.parts)
    return SITE + inside + ("/" if folder and inside else "")
