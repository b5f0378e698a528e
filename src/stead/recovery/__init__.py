"""A new computer from nothing but the kit: served from the place at once, then moved onto its own disk."""

from stead.recovery.proving import full_drill
from stead.recovery.recover import go_on, recover
from stead.recovery.serving import is_serving, serve_copy
from stead.recovery.state import load as under_way
from stead.recovery.summary import Recovered, Serving

__all__ = ["Recovered", "Serving", "full_drill", "go_on", "is_serving", "recover", "serve_copy", "under_way"]
