"""After a kill of the keeper: acts that still run are adopted, acts that died with no outcome are closed as undone."""

from __future__ import annotations

import time
from collections.abc import Mapping

from stead.keeper.children import Child
from stead.keeper.journal import Journal
from stead.keeper.running import acts_under_way, started
from stead.keeper.schedule import Act
from stead.records import Records
from stead.words.home import Home


def adopt(home: Home, journal: Journal, known: Mapping[str, Act]) -> dict[str, Child]:
    """The acts of the dead keeper that are alive, as children of this one; all others are marked undone."""
    alive = acts_under_way(home)
    with Records(home.records) as records:
        half_done = records.unfinished_acts()
    adopted: dict[str, Child] = {}
    for act in half_done:
        pid = alive.get(act.kind)
        began = started(pid) if pid else None
        if pid and began and act.kind in known and act.kind not in adopted:
            adopted[act.kind] = Child(known[act.kind], act.id, pid, began, time.monotonic())
        else:
            journal.cut_off(act.kind, act.id)
    return adopted
