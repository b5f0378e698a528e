"""Is the keeper there? Start it, stop it. Its lock tells the truth: the kernel lets it go when the keeper dies.

On a host with systemd the ordinary keeper is a unit; elsewhere a small guard starts it and starts it again.
"""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

import stead
from stead.run import run, start
from stead.words.errors import SteadError
from stead.words.home import Home

UNIT = "stead-keeper.service"
_FLOCK = struct.Struct("hh4xqqi4x")  # struct flock on 64-bit Linux
_WHOLE_FILE = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
_START_LIMIT, _STOP_LIMIT, _ACTS_LIMIT = 15.0, 10.0, 25.0


def lock_file(home: Home, role: str) -> Path:
    """The lock of a role: ``keeper`` or ``guard``."""
    return home.run / f"{role}.lock"


def stop_file(home: Home) -> Path:
    """While it is there, nobody starts a keeper."""
    return home.run / "keeper.stop"


def take(home: Home, role: str) -> int | None:
    """Become the one process of that role for as long as the returned descriptor is open; None: there is one.

    The lock belongs to the open file, not to the process (``fcntl(2)``, open file description locks), so looking at it
    from the same process cannot lose it.
    """
    home.run.mkdir(parents=True, exist_ok=True)
    handle = os.open(lock_file(home, role), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.fcntl(handle, fcntl.F_OFD_SETLK, _WHOLE_FILE)
    except OSError:
        os.close(handle)
        return None
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def holder(home: Home, role: str) -> int | None:
    """The pid of the process of that role; asking does not disturb it."""
    try:
        handle = os.open(lock_file(home, role), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        kind = _FLOCK.unpack(fcntl.fcntl(handle, fcntl.F_OFD_GETLK, _WHOLE_FILE))[0]
        pid = os.pread(handle, 20, 0)
    finally:
        os.close(handle)
    return int(pid) if kind != fcntl.F_UNLCK and pid.isdigit() else None


def is_running(home: Home) -> bool:
    """Whether this home's keeper is at work."""
    return holder(home, "keeper") is not None


def by_unit(home: Home) -> bool:
    """Whether systemd looks after this home's keeper."""
    return home.is_default and Path("/run/systemd/system").is_dir()


def ensure_running(home: Home) -> None:
    """Start the keeper unless it runs; one of another version of the program is replaced. SteadError when it does not
    come up."""
    home.run.mkdir(parents=True, exist_ok=True)
    keeper = holder(home, "keeper")
    if keeper is not None and not _is_this_program(keeper):
        stop(home)
    stop_file(home).unlink(missing_ok=True)
    if by_unit(home):
        run(["systemctl", "start", UNIT], timeout=30)
    elif not is_running(home):
        start_guard(home)
    if not _wait(lambda: is_running(home), _START_LIMIT):
        raise SteadError("the keeper does not start", hint=f"see why in {home.logs / 'keeper.log'}")


def start_guard(home: Home) -> None:
    """Start the guard, which starts the keeper; does nothing of its own if there is one."""
    start([sys.executable, "-m", "stead.keeper.guard", *of(home)], env=environment())


def stop(home: Home) -> None:
    """Stop the keeper and the acts it has under way; nothing of it is left when this returns."""
    if by_unit(home):
        run(["systemctl", "stop", UNIT], timeout=60, expect=())
    home.run.mkdir(parents=True, exist_ok=True)
    stop_file(home).touch()
    for role in ("guard", "keeper"):
        _end(home, role)
    from_acts = acts_under_way(home)
    _signal(from_acts, signal.SIGTERM)
    _wait(lambda: not acts_under_way(home), _ACTS_LIMIT)
    _signal(acts_under_way(home), signal.SIGKILL)


def of(home: Home) -> list[str]:
    """The arguments that name a home to the keeper's programs."""
    return [] if home.is_default else ["--home", str(home.lib.parent)]


def environment() -> dict[str, str]:
    """What the keeper's programs need to find the package."""
    return {"PYTHONPATH": str(Path(next(iter(stead.__path__))).parent)}


def act_folder(home: Home) -> Path:
    """One file per act under way, named by its kind, holding its pid and start time."""
    return home.run / "acts"


def acts_under_way(home: Home) -> dict[str, int]:
    """The keeper's acts that are alive: kind to pid."""
    found = {}
    for file in act_folder(home).glob("*.pid"):
        try:
            pid, began = file.read_text().split()
        except (OSError, ValueError):
            continue
        if started(int(pid)) == began:
            found[file.stem] = int(pid)
    return found


def started(pid: int) -> str | None:
    """When a process began, in the kernel's ticks; None: it is dead."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _is_this_program(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0] == os.fsencode(sys.executable)
    except OSError:
        return False


def _end(home: Home, role: str) -> None:
    pid = holder(home, role)
    if pid is None:
        return
    _signal({role: pid}, signal.SIGTERM)
    if not _wait(lambda: holder(home, role) is None, _STOP_LIMIT):
        _signal({role: pid}, signal.SIGKILL)
        _wait(lambda: holder(home, role) is None, _STOP_LIMIT)


def _signal(pids: dict[str, int], number: signal.Signals) -> None:
    for pid in pids.values():
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _wait(done: Callable[[], bool], limit: float) -> bool:
    until = time.monotonic() + limit
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
