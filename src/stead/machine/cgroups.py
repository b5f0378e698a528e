"""A machine's cgroup on hosts where no unit gives it one (no systemd, or cgroup version 1 in the usual place)."""

from __future__ import annotations

import os
import time
from pathlib import Path

from stead.run import kernel
from stead.words.errors import SteadError

_USUAL = Path("/sys/fs/cgroup")
_EMPTY_WITHIN = 2.0


def mounted() -> Path:
    """Where this host has the second version of cgroups."""
    for where, kind in kernel.mount_points():
        if kind == "cgroup2":
            return where
    raise SteadError(
        "this host has no cgroup2 file system mounted", hint="mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified"
    )


def enter(key: str) -> None:
    """Move this process into a cgroup of its own named ``key``, below the root of the hierarchy at the usual place."""
    group = _USUAL / key
    group.mkdir(exist_ok=True)
    (group / "cgroup.procs").write_text(str(os.getpid()))


def remove(key: str) -> None:
    """Kill whatever is left in the cgroup ``key`` and remove it and all below it."""
    group = mounted() / key
    if not group.is_dir():
        return
    deadline = time.monotonic() + _EMPTY_WITHIN
    while True:
        switch = group / "cgroup.kill"
        if switch.exists():
            switch.write_text("1")
        try:
            _remove_tree(group)
            return
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > deadline:
                raise SteadError(f"the cgroup {group} does not become empty") from None
            time.sleep(0.01)


def left(prefix: str) -> tuple[str, ...]:
    """Names of the cgroups made here that begin with ``prefix``."""
    return tuple(sorted(group.name for group in mounted().glob(f"{prefix}*") if group.is_dir()))


def _remove_tree(group: Path) -> None:
    for folder, _, _ in os.walk(group, topdown=False):
        os.rmdir(folder)
