"""Which process a machine is: its supervisor's pid with the start time, so that a reused pid is never mistaken."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

_POLL = 0.02


def note(folder: Path, role: str, pid: int) -> None:
    """Remember ``pid`` as the machine's ``role``: ``supervisor`` (launcher, then nspawn), ``stopping`` (the supervisor
    that was told to end) or ``collector``."""
    draft = folder / f"{role}.new"
    draft.write_text(json.dumps({"pid": pid, "started": started(pid)}))
    draft.rename(folder / f"{role}.json")


def noted(folder: Path, role: str) -> int | None:
    """The machine's process of that role, if it is alive."""
    try:
        entry = json.loads((folder / f"{role}.json").read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    pid: int = entry["pid"]
    return pid if entry["started"] == started(pid) is not None else None


def started(pid: int) -> int | None:
    """When the process began (clock ticks after boot); None: there is none, or it is dead and only not collected."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def leader(supervisor_pid: int) -> int | None:
    """The host pid of the machine's PID 1: the supervisor's child that is first in its own pid namespace."""
    try:
        children = Path(f"/proc/{supervisor_pid}/task/{supervisor_pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    for child in children:
        if _inner_pid(int(child)) == 1:
            return int(child)
    return None


def _inner_pid(pid: int) -> int | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    spaces = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
    return int(spaces[-1]) if len(spaces) > 1 else None


def kill(pids: set[int], sig: signal.Signals = signal.SIGKILL) -> None:
    """Send ``sig`` to those still there."""
    for pid in pids:
        try:
            os.kill(pid, sig)
        except ProcessLookupError:
            continue


def wait_gone(pids: set[int], limit: float) -> set[int]:
    """Wait until the processes are dead, collecting those that are our children; returns those still alive."""
    deadline = time.monotonic() + limit
    alive = set(pids)
    while alive:
        for pid in alive:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                continue
        alive = {pid for pid in alive if started(pid) is not None}
        if not alive or time.monotonic() > deadline:
            break
        time.sleep(_POLL)
    return alive
