"""The owner says that they know: of one alarm, of all, or that a test with its code has arrived."""

from __future__ import annotations

from stead.alerts import plan, trials
from stead.alerts.memory import Memory
from stead.alerts.moment import Moment
from stead.words.errors import UsageError
from stead.words.home import Home


def acknowledge(home: Home, what: str) -> tuple[str, ...]:
    """Note it; returned are sentences about what it was for. UsageError: there is no such alarm or code."""
    memory, now = Memory(home), str(Moment.now())
    state = memory.load()
    way = trials.way_of(state, what)
    if way is not None:
        memory.change(lambda before: trials.arrived(before, way))
        return (f"the test by {way} has arrived",)
    wanted = [alert for alert in state.alerts.values() if alert.gone is None and what in (alert.id, "all")]
    if not wanted and what != "all":
        raise UsageError(f"there is no open alarm and no test called {what}", hint="stead alerts shows what is open")
    memory.change(lambda before: plan.acknowledge(before, {alert.id: now for alert in wanted}))
    return tuple(alert.what for alert in wanted)
