"""Rehearsals: throw-away machines in a sealed network, probed end to end. A drill is one on a backup."""

from stead.rehearsal.drill import drill
from stead.rehearsal.layers import sweep
from stead.rehearsal.report import DrillReport

__all__ = ["DrillReport", "drill", "sweep"]
