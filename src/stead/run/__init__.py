"""What is asked of the kernel: the only place that starts processes, and locks between them."""

from stead.run.lock import lock
from stead.run.process import CommandError, Result, run, start
from stead.run.unmounting import mounted, mounts_below, unmount

__all__ = ["CommandError", "Result", "lock", "mounted", "mounts_below", "run", "start", "unmount"]
