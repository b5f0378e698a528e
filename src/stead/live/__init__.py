"""The live machine's stories: up, down, restart, remove; backing it up, marking it, probing it."""

from stead.live.down import down, remove
from stead.live.pruning import prune, pruned_elsewhere
from stead.live.reading_back import read_back
from stead.live.save import Saving, backup
from stead.live.serving import serve
from stead.live.summary import UpSummary
from stead.live.up import clean, ensure_release, restart, up
from stead.live.watch import endpoints, mark, probe

__all__ = [
    "Saving",
    "UpSummary",
    "backup",
    "clean",
    "down",
    "endpoints",
    "ensure_release",
    "mark",
    "probe",
    "prune",
    "pruned_elsewhere",
    "read_back",
    "remove",
    "restart",
    "serve",
    "up",
]
