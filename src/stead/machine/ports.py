"""Which local ports a home may publish at, when several homes or other servers share one computer."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from stead.run import lock, run
from stead.words.declaration import Port
from stead.words.errors import SteadError
from stead.words.home import Home

#: As many as fit below 65,536 with the highest of our ports.
_STEP, _STEPS = 1000, 57
_KEPT = "port-shift.json"
#: A file for each shift that was chosen, with the home that has it.
_CHOSEN = Path("/run/stead-ports")
_LISTENING = "0A"
_PUBLISHED = re.compile(r"\bdport (\d+)\b.*\bdnat\b")


def kept_port_shift(home: Home, ports: Sequence[Port]) -> int:
    """What this home adds to every local port: chosen once, and no other home of this computer chooses the same."""
    file = home.lib / _KEPT
    if file.exists():
        return int(json.loads(file.read_text()))
    # Of two that are made at the same time neither listens yet.
    choosing = lock(_CHOSEN / "lock", wait=60)
    try:
        shift = free_port_shift(home, ports)
        (_CHOSEN / str(shift)).write_text(str(home.lib))
        file.write_text(json.dumps(shift))
    finally:
        if choosing is not None:
            os.close(choosing)
    return shift


def free_port_shift(home: Home, ports: Sequence[Port]) -> int:
    """What to add to every local port so that none is in use: 0 if possible, else the next thousand that is free.

    In use is a port somebody listens on, or another home's machine is published at, or another home has chosen.
    Remember the answer: addresses given to people must stay.
    """
    taken = listening() | _published(home)
    chosen = _chosen(home)
    for shift in range(0, _STEP * _STEPS, _STEP):
        wanted = {port.local + shift for port in ports}
        if shift not in chosen and not wanted & taken and max(wanted, default=0) < 1 << 16:
            return shift
    raise SteadError("no free range of local ports was found", hint="see what listens: ss -ltn")


def _chosen(home: Home) -> set[int]:
    """What other homes have chosen since this computer was started, as far as they are still there."""
    found = set()
    for file in _CHOSEN.glob("[0-9]*"):
        other = Path(file.read_text())
        kept = other / _KEPT
        if other != home.lib and kept.exists() and kept.read_text() == file.name:
            found.add(int(file.name))
    return found


def listening() -> set[int]:
    """The TCP ports somebody listens on, on any address of this host."""
    found = set()
    for table in ("tcp", "tcp6"):
        file = Path("/proc/net") / table
        rows = file.read_text().splitlines()[1:] if file.exists() else []
        for row in rows:
            words = row.split()
            if words[3] == _LISTENING:
                found.add(int(words[1].rpartition(":")[2], 16))
    return found


def _published(home: Home) -> set[int]:
    """The ports other tables of the firewall lead elsewhere."""
    shown = run(["nft", "--numeric", "list", "ruleset"], timeout=10).out
    found: set[int] = set()
    own = False
    for line in shown.splitlines():
        if line.startswith("table "):
            own = line.split()[2].startswith(f"{home.tag}-")
        elif not own:
            found |= {int(port) for port in _PUBLISHED.findall(line)}
    return found
