"""The keeper: the program on the host that does the work, day and night, and the judgement of what it found."""

from stead.keeper.running import ensure_running, is_running, stop

__all__ = ["ensure_running", "is_running", "stop"]
