"""Read a byte of a few files below a folder, chosen by chance; ends with 1 when that is refused.

Run as a script by its path, with Python's standard library alone: ``sampling.py FOLDER``. A process of its own, since
reading from a mount whose other end is gone may take for ever.
"""

from __future__ import annotations

import os
import random
import sys

_FILES = 5
_DEEPEST = 40


def main(root: str) -> int:
    """The exit code: 0 when whatever was chosen could be read (or there is nothing), 1 when not."""
    try:
        for _ in range(_FILES):
            _read_one(root)
    except OSError as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


def _read_one(folder: str) -> None:
    for _ in range(_DEEPEST):
        with os.scandir(folder) as found:
            entries = [one for one in found if one.is_dir(follow_symlinks=False) or one.is_file(follow_symlinks=False)]
        if not entries:
            return
        entry = random.choice(entries)
        folder = entry.path
        if entry.is_file(follow_symlinks=False):
            break
    else:
        return
    handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        size = os.fstat(handle).st_size
        os.pread(handle, 1, random.randrange(size) if size else 0)
    finally:
        os.close(handle)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
