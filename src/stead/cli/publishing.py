"""Publish a folder as the web page: written beside the page that is shown, then exchanged with it in one step.

The new page is made in a folder only the host's root can enter, so nobody inside the machine can interfere.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from stead.words.declaration import GUEST_UID_BASE
from stead.words.errors import SteadError, UsageError

_WEBDAV, _SITE = GUEST_UID_BASE + 618, GUEST_UID_BASE + 623
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
_BEGIN = ".site-"


@dataclass
class Published:
    """What was published; ``left_out`` are links and other things that are no plain file."""

    files: int = 0
    size: int = 0
    left_out: list[str] = field(default_factory=list)


def publish(data: Path, source: Path) -> Published:
    """Make ``source`` the page in ``data``."""
    web = data / "web"
    if not (web / "site").is_dir():
        raise SteadError("the server's data is not there", hint="start the server: stead up")
    if not any(source.iterdir()):
        raise UsageError(f"{source} is empty, so there would be no page", hint="put at least an index.html into it")
    _remove_leftovers(web)
    new = web / f"{_BEGIN}{secrets.token_hex(4)}"
    new.mkdir(mode=0o700)
    try:
        published = Published()
        _copy(source, new, source, published)
        _give(new, 0o2750)
        _exchange(new, web / "site")
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return published


def _copy(source: Path, target: Path, top: Path, published: Published) -> None:
    for entry in sorted(os.scandir(source), key=lambda found: found.name):
        beside = target / entry.name
        if entry.is_dir(follow_symlinks=False):
            beside.mkdir(mode=0o700)
            _copy(Path(entry.path), beside, top, published)
            _give(beside, 0o2750)
        elif entry.is_file(follow_symlinks=False):
            shutil.copyfile(entry.path, beside)
            _give(beside, 0o640)
            published.files += 1
            published.size += beside.stat().st_size
        else:
            published.left_out.append(str(Path(entry.path).relative_to(top)))


def _give(path: Path, mode: int) -> None:
    """Owned as if it had come by WebDAV, so that it can be changed that way later."""
    if os.geteuid() == 0:
        os.chown(path, _WEBDAV, _SITE)
    path.chmod(mode)


def _exchange(one: Path, other: Path) -> None:
    """Swap two folders' names in one step (``renameat2(2)``, which Python does not offer)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, bytes(one), _AT_FDCWD, bytes(other), _RENAME_EXCHANGE) != 0:
        code = ctypes.get_errno()
        raise SteadError(f"the page could not be switched: {os.strerror(code)}", hint="stead doctor looks at the disk")


def _remove_leftovers(web: Path) -> None:
    for left in web.glob(f"{_BEGIN}*"):
        shutil.rmtree(left, ignore_errors=True)
