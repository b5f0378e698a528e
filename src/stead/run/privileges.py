"""Giving up root for good: what each short-lived process does before it reads what strangers wrote."""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path

from stead.run import kernel


class HostUser(IntEnum):
    """Users of the host's own processes: no passwd entries, outside every machine's id range, each one's alone."""

    COLLECTOR = 590001
    PROBES = 590002
    ERRANDS = 590003
    RESTORE_READER = 590004
    ARCHIVE_READER = 590005


def give_up_root(
    uid: int, *, memory: int, limits: Mapping[int, int] | None = None, network: bool = False, root: Path | None = None
) -> None:
    """Become ``uid`` with ``memory`` bytes of address space and further ``limits`` (of ``setrlimit(2)``).

    Without ``network`` there is none from now on; ``root`` is all of the file system that is left. A process that is
    not root keeps its user and is bounded only.
    """
    for kind, limit in {resource.RLIMIT_AS: memory, resource.RLIMIT_CORE: 0, **(limits or {})}.items():
        resource.setrlimit(kind, (limit, limit))
    if os.geteuid() == 0:
        if not network:
            kernel.leave_network()
        if root is not None:
            os.chroot(root)
            os.chdir("/")
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    kernel.gain_nothing()
