"""Changes inside a picture in the making. Its folders come from the machine and are hostile: no link is followed."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from stead.words.errors import SteadError

#: The folder in a picture that holds what the host knew when it was taken.
HOST_FOLDER = ".stead"


def write_host_files(root: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` into the ``.stead`` of the picture at ``root``, owned by root, on disk when this returns.

    What the host keeps there in live data (the authority's key, the last manifest) stays; a ``.stead`` that is not a
    folder of root's is replaced.
    """
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if not _is_ours(handle):
            _remove(handle, HOST_FOLDER)
            os.mkdir(HOST_FOLDER, 0o700, dir_fd=handle)
        folder = os.open(HOST_FOLDER, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
        try:
            for name, content in files.items():
                _remove(folder, name)
                _write(folder, name, content)
            os.fsync(folder)
        finally:
            os.close(folder)
        os.fsync(handle)
    finally:
        os.close(handle)


def leave_out_folders(root: Path, folders: Iterable[str]) -> None:
    """Empty the given data folders in the picture at ``root``; the folders themselves stay, with their owners."""
    for folder in folders:
        handle = _open_below(root, folder)
        if handle is None:
            continue
        try:
            for name in os.listdir(handle):
                _remove(handle, name)
        finally:
            os.close(handle)


def _open_below(root: Path, folder: str) -> int | None:
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    for part in folder.strip("/").split("/"):
        if part in ("", ".", ".."):
            os.close(handle)
            raise SteadError(f"not a data folder: {folder}")
        try:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
        except (FileNotFoundError, NotADirectoryError, OSError):
            below = None
        os.close(handle)
        if below is None:
            return None
        handle = below
    return handle


def _is_ours(handle: int) -> bool:
    try:
        there = os.stat(HOST_FOLDER, dir_fd=handle, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(there.st_mode) and there.st_uid == 0


def _remove(handle: int, name: str) -> None:
    try:
        kind = os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(kind):
        # rmtree with dir_fd walks by file handles and never through a link
        shutil.rmtree(name, dir_fd=handle)
    else:
        os.unlink(name, dir_fd=handle)


def _write(folder: int, name: str, content: bytes) -> None:
    if "/" in name or name in ("", ".", ".."):
        raise SteadError(f"not a plain file name: {name}")
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
