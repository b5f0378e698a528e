"""Which paths are accepted at all. Standard library only."""

from __future__ import annotations

import re

# An encoded slash, backslash or zero byte is never a file's name, only an attempt to be read in two ways.
_TRICKS = re.compile(r"%(?:2f|5c|00)|[\\#]", re.IGNORECASE)
_CONTROL = re.compile("[\0-\x1f\x7f]")


def is_plain(raw: str, path: str) -> bool:
    """Whether a path is what it seems; ``raw`` as it was sent, ``path`` decoded."""
    if _TRICKS.search(raw) or _CONTROL.search(path):
        return False
    return not any(part in (".", "..") or len(part.encode()) > 255 for part in path.split("/"))
