"""The only place that starts processes."""

from stead.run.process import CommandError, Result, run, start

__all__ = ["CommandError", "Result", "run", "start"]
