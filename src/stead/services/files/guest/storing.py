"""Writing files so that a name never shows half a file: new content is written unnamed, synced, then given the name.

Standard library only. A cut upload leaves nothing behind: the kernel drops an unnamed file with its last descriptor.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator

#: Names that begin so are ours for a moment, never shown and never given to clients.
HIDDEN = ".stead-"
PIECE = 262144
_NO_UNNAMED = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)
_NO_SHARING = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


class CutShort(Exception):
    """The client sent less than it announced."""


@contextlib.contextmanager
def replacing(path: str, mode: int, when: float | None = None) -> Iterator[int]:
    """A descriptor for the new content of ``path``; if the block ends well it takes the name in one step."""
    place, name = os.path.split(path)
    temporary = HIDDEN + secrets.token_hex(8)
    folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        descriptor, named = _open_new(folder, temporary, mode)
        try:
            yield descriptor
            os.fchmod(descriptor, mode)
            if when is not None:
                os.utime(descriptor, (when, when))
            os.fsync(descriptor)
            if not named:
                # With a folder's descriptor Python makes the call that follows /proc's link to the unnamed file.
                os.link(f"/proc/self/fd/{descriptor}", temporary, dst_dir_fd=folder, follow_symlinks=True)
                named = True
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            named = False
            os.fsync(folder)
        finally:
            os.close(descriptor)
            if named:
                os.unlink(temporary, dir_fd=folder)
    finally:
        os.close(folder)


def receive(read: Callable[[int], bytes], descriptor: int, length: int | None) -> None:
    """Copy a request's body into ``descriptor``; ``length`` is what the client announced, if it did."""
    if length is not None:
        room = os.fstatvfs(descriptor)
        if length > room.f_bavail * room.f_frsize:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    size = 0
    while piece := read(PIECE):
        write_all(descriptor, piece)
        size += len(piece)
    if length is not None and size != length:
        raise CutShort(f"{size} of {length} bytes came")


def write_all(descriptor: int, piece: bytes) -> None:
    """Write every byte."""
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]


def copy_file(source: str, target: str, mode: int) -> None:
    """Copy one file whole; on btrfs the blocks are shared, so size does not matter."""
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with replacing(target, mode, os.fstat(reading).st_mtime) as writing:
            _copy_content(reading, writing)
    finally:
        os.close(reading)


def copy_tree(source: str, target: str, modes: tuple[int, int], *, deep: bool = True) -> None:
    """Copy a folder (``deep``: and all in it) beside ``target``, then put it there in one step. Links are left out."""
    temporary = _beside(target)
    try:
        if not deep:
            os.mkdir(temporary, modes[1])
        for folder, _, files in os.walk(source) if deep else ():
            here = os.path.normpath(os.path.join(temporary, os.path.relpath(folder, source)))
            os.mkdir(here, modes[1])
            for name in files:
                path = os.path.join(folder, name)
                if not os.path.islink(path) and os.path.isfile(path):
                    copy_file(path, os.path.join(here, name), modes[0])
        put(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def put(source: str, target: str) -> None:
    """Give ``source`` the name ``target``; what had that name before is removed afterwards."""
    old = None
    if os.path.isdir(target) or (os.path.lexists(target) and os.path.isdir(source)):
        old = _beside(target)
        os.rename(target, old)
    try:
        os.rename(source, target)
    except OSError:
        if old:
            os.rename(old, target)
        raise
    sync_folder(os.path.dirname(target))
    if old:
        remove(old)


def is_elsewhere(reason: OSError) -> bool:
    """Whether a rename failed only because the two places are not on one mount."""
    return reason.errno == errno.EXDEV


def remove(path: str) -> None:
    """Remove a file, or a folder with all that is in it."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def sync_folder(path: str) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_new(folder: int, temporary: str, mode: int) -> tuple[int, bool]:
    try:
        return os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, mode, dir_fd=folder), False
    except OSError as cannot:
        # Some file systems (FUSE, old overlays) have no unnamed files.
        if cannot.errno not in _NO_UNNAMED:
            raise
    return os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, mode, dir_fd=folder), True


def _copy_content(reading: int, writing: int) -> None:
    try:
        while os.copy_file_range(reading, writing, 1 << 30):
            pass
    except OSError as cannot:
        if cannot.errno not in _NO_SHARING:
            raise
    while piece := os.read(reading, PIECE):
        write_all(writing, piece)


def _beside(path: str) -> str:
    return os.path.join(os.path.dirname(path), HIDDEN + secrets.token_hex(8))
