"""Files and folders of data as the host makes them: by folder descriptors, never through a link, each write whole.

Much of data is written by the guest, so a path may hold a link planted there to lead the host elsewhere. Everything
here opens one name at a time and refuses links; a file is written beside, synced and renamed.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Owner:
    """The owner a file gets, as host ids (the host's own root: 0, 0)."""

    uid: int = 0
    gid: int = 0


HOST_ROOT = Owner()


def give(descriptor: int, owner: Owner, mode: int) -> None:
    """Set owner and mode of an open file or folder. Owners need root; without it (quick tests) they are left alone."""
    if os.geteuid() == 0:
        os.fchown(descriptor, owner.uid, owner.gid)
    os.fchmod(descriptor, mode)


@contextmanager
def open_folder(path: Path) -> Iterator[int]:
    """A descriptor of the folder ``path``; its last part must not be a link."""
    descriptor = os.open(path, _FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def enter(parent: int, name: str) -> Iterator[int]:
    """A descriptor of the folder ``name`` in ``parent``, made if it is missing.

    Anything else that bears the name (a link, a file) is renamed to ``NAME.aside-XXXXXXXX``: kept, but out of the way.
    """
    try:
        descriptor = os.open(name, _FOLDER, dir_fd=parent)
    except OSError as wrong:
        if wrong.errno in (errno.ELOOP, errno.ENOTDIR):
            os.rename(name, f"{name}.aside-{secrets.token_hex(4)}", src_dir_fd=parent, dst_dir_fd=parent)
        elif wrong.errno != errno.ENOENT:
            raise
        os.mkdir(name, 0o700, dir_fd=parent)
        descriptor = os.open(name, _FOLDER, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write_file(folder: int, name: str, content: bytes, *, mode: int, owner: Owner = HOST_ROOT) -> None:
    """Write ``name`` in ``folder`` so that a reader, or a crash, sees the old content or the new, never a part."""
    beside = f".{name}.new-{secrets.token_hex(4)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(beside, flags, 0o600, dir_fd=folder), "wb") as file:
            file.write(content)
            file.flush()
            give(file.fileno(), owner, mode)
            os.fsync(file.fileno())
        os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        try:
            os.unlink(beside, dir_fd=folder)
        except FileNotFoundError:
            pass
        raise
    os.fsync(folder)


def read_file(folder: int, name: str, limit: int = 4_000_000) -> bytes | None:
    """The content of the plain file ``name`` in ``folder`` (None: there is none), at most ``limit`` bytes of it."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit)


def remove_leftovers(folder: int) -> None:
    """Remove half-written files that a crash left in ``folder``. Only under the folder's own lock."""
    for name in os.listdir(folder):
        if name.startswith(".") and ".new-" in name:
            os.unlink(name, dir_fd=folder)
