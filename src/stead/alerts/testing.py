"""The test the owner asks for: a message with a code on every way, and per way what happened."""

from __future__ import annotations

from stead.alerts import trials
from stead.alerts.memory import Memory
from stead.alerts.message import trial
from stead.alerts.moment import Moment
from stead.alerts.sending import Outcome, send
from stead.alerts.telling import remember
from stead.alerts.wishes import Wishes
from stead.words.home import Home


def try_ways(home: Home, wishes: Wishes) -> tuple[Outcome, ...]:
    """Send a test on every way now; it counts as this month's."""
    memory, now = Memory(home), Moment.now()
    names = [way.name for way in wishes.ways]
    state = memory.change(lambda before: trials.begun(before, names, anew=True))
    messages = {name: trial(state.trials[name].code, wishes) for name in names}
    outcomes = send(messages, wishes)
    remember(memory, messages, {}, outcomes, now)
    return outcomes
