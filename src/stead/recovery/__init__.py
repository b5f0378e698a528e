"""A new computer from nothing but the kit: programs made anew, data out of a place, every byte compared, then up."""

from stead.recovery.proving import full_drill
from stead.recovery.recover import recover
from stead.recovery.summary import Recovered

__all__ = ["Recovered", "full_drill", "recover"]
