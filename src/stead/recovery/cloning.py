"""A file's content without copying it: both names share the blocks (btrfs, ``ioctl_ficlone(2)``)."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

_FICLONE = 0x40049409


def clone(source: Path, target: Path) -> None:
    """Make ``target`` (which must not exist) with the content of ``source``; the two lie on one btrfs."""
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.ioctl(writing, _FICLONE, reading)
        finally:
            os.close(writing)
    finally:
        os.close(reading)
