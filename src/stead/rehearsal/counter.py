"""Counting what a restored tree holds, beside the boot, in a process that can be given up.

Reading names out of a place takes time in proportion to their number, a drill must not: so each user of each service is
counted on its own, the small ones first, until the drill is over. What was not reached is said, and is waited for,
however long it takes, when it was not counted for a day.
Run as ``python -m stead.rehearsal.counter ROOT`` with ``[[service, user], ...]`` on standard input.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen, TimeoutExpired  # noqa: TID251  (the type of what stead.run.start returns)
from typing import IO

from stead.run import start
from stead.services import SERVICES
from stead.words.declaration import Inventory

#: Seconds a drill waits for the counting after its last probe, and for what has waited for a day.
GRACE = 1.0
LIMIT = 600.0
#: The part of a service that belongs to no single user (a shared folder, the page).
COMMON = ""


@dataclass(frozen=True)
class Unit:
    """One service's holdings of one user (:data:`COMMON`: what belongs to no single user)."""

    service: str
    user: str


def main() -> None:
    """Count each unit of standard input in turn and print it as one JSON line."""
    root = Path(sys.argv[1])
    by_name = {service.name: service for service in SERVICES}
    for name, user in json.load(sys.stdin):
        count = by_name[name].inventory
        if count is not None:
            found = count(root, (user,) if user else ())
            print(json.dumps([name, user, dict(found.totals), dict(found.parts)]), flush=True)


class Counting:
    """A counting under way; the drill collects what it has reached."""

    def __init__(self, root: Path, units: Sequence[Unit]) -> None:
        self._units = tuple(units)
        with tempfile.TemporaryFile("w+b") as job:
            job.write(json.dumps([[unit.service, unit.user] for unit in units]).encode())
            job.seek(0)
            self._output: IO[bytes] = tempfile.TemporaryFile("w+b")  # noqa: SIM115  (lives as long as the child)
            self._child: Popen[bytes] = start(
                [sys.executable, "-m", "stead.rehearsal.counter", root], stdin=job, stdout=self._output
            )

    def collect(self, *, wait: float = GRACE) -> dict[Unit, Inventory]:
        """What was counted within ``wait`` more seconds; the rest is given up."""
        try:
            self._child.wait(wait)
        except TimeoutExpired:
            self.give_up()
        self._output.seek(0)
        counted = {}
        for line in self._output.read().split(b"\n")[:-1]:
            service, user, totals, parts = json.loads(line)
            counted[Unit(service, user)] = Inventory(totals, parts)
        return counted

    def give_up(self) -> None:
        """End the child, wherever it is."""
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()


if __name__ == "__main__":
    main()
