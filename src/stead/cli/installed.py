"""The program as installed by the launcher under /opt/stead, and how it goes."""

from __future__ import annotations

import shutil
from pathlib import Path

PROGRAM = Path("/opt/stead")
COMMAND = Path("/usr/local/bin/stead")


def remove(program: Path = PROGRAM, command: Path = COMMAND) -> None:
    """Remove the installed program and its command; a command of somebody else's is left alone."""
    if command.is_symlink() and command.readlink().is_relative_to(program):
        command.unlink()
    shutil.rmtree(program, ignore_errors=True)
