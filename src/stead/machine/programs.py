"""How this room starts its own programs, which must find the package wherever it lies."""

from __future__ import annotations

import sys
from pathlib import Path

import stead

#: What a child of ours needs to import the package.
ENVIRONMENT = {"PYTHONPATH": str(Path(next(iter(stead.__path__))).parent)}


def launcher(plan_file: Path) -> list[str]:
    """The command that launches the plan."""
    return [sys.executable, "-m", "stead.machine.launch", str(plan_file)]


def has_systemd() -> bool:
    """Whether systemd runs this host."""
    return Path("/run/systemd/system").is_dir()
