"""Which home a program of the keeper is for, from its arguments: ``--home DIR`` or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stead.words.home import Home


def home_named(args: Sequence[str]) -> Home:
    """The home the arguments name."""
    return Home.at(Path(args[1])) if list(args[:1]) == ["--home"] else Home.default()
