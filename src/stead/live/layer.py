"""The live machine's throw-away layer, which only its supervisor sees: it is mounted in no table but its own."""

from __future__ import annotations

from pathlib import Path

from stead import machine
from stead.words.home import Home


def throw_away_layer(home: Home) -> Path | None:
    """Where the live machine's writes outside data can be looked at; None: it does not run, or we may not look."""
    found = machine.find(home, "live")
    if found is None:
        return None
    try:
        status = Path(f"/proc/{found.leader}/status").read_text().splitlines()
        supervisor = next(line.split()[1] for line in status if line.startswith("PPid:"))
        stage = f"/proc/{supervisor}/root{home.machines / 'live'}/stage/upper"
        return Path(stage) if Path(stage).is_dir() else None
    except OSError:
        return None
