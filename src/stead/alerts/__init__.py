"""Telling the owner: several ways out that do not depend on what failed, until it is acknowledged or well."""

from stead.alerts.acknowledging import acknowledge
from stead.alerts.deadman import feed_deadman
from stead.alerts.letter import letter
from stead.alerts.memory import Memory
from stead.alerts.moment import Moment
from stead.alerts.sending import Outcome
from stead.alerts.telling import tell
from stead.alerts.testing import try_ways
from stead.alerts.wishes import Wishes, keep, last_known, wishes_of

__all__ = [
    "Memory",
    "Moment",
    "Outcome",
    "Wishes",
    "acknowledge",
    "feed_deadman",
    "keep",
    "last_known",
    "letter",
    "tell",
    "try_ways",
    "wishes_of",
]
