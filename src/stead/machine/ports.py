"""Which local ports a home may publish at, when several homes or other servers share one computer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from stead.run import run
from stead.words.declaration import Port
from stead.words.errors import SteadError
from stead.words.home import Home

_STEP, _STEPS = 1000, 40
_LISTENING = "0A"
_PUBLISHED = re.compile(r"\bdport (\d+)\b.*\bdnat\b")


def free_port_shift(home: Home, ports: Sequence[Port]) -> int:
    """What to add to every local port so that none is in use: 0 if possible, else the next thousand that is free.

    In use is a port somebody listens on, or another home's machine is published at. Remember the answer: addresses
    given to people must stay.
    """
    taken = listening() | _published(home)
    for shift in range(0, _STEP * _STEPS, _STEP):
        wanted = {port.local + shift for port in ports}
        if not wanted & taken and max(wanted, default=0) < 1 << 16:
            return shift
    raise SteadError("no free range of local ports was found", hint="see what listens: ss -ltn")


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
