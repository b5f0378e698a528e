"""Give a machine's log somewhere to go: the socket its journal is sent to, its console, and the collector of both."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from stead.machine import collector, naming, state
from stead.run import start
from stead.run.privileges import HostUser
from stead.words.declaration import GUEST_UID_BASE
from stead.words.home import Home


def log_folder(home: Home, name: str) -> Path:
    """Where the machine's log is kept: the live one's outlives it."""
    return home.logs / name if name == naming.LIVE else naming.folder(home, name) / "logs"


def socket_folder(folder: Path) -> Path:
    """The folder with the journal's socket, shown to the machine read-only."""
    return folder / "journal"


def open_console(folder: Path) -> int:
    """The pipe the machine's console is written to. Ours to read as well, so that a dead collector breaks nothing;
    without waiting, so that a stopped one does not hold up the machine."""
    pipe = folder / "console"
    if not pipe.exists():
        os.mkfifo(pipe, 0o600)
    return os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


def ensure(home: Home, name: str) -> None:
    """Start the collector of a running machine unless it is there: at launch, and when the keeper finds it dead."""
    folder = naming.folder(home, name)
    supervisor = state.noted(folder, "supervisor")
    if supervisor is None or state.noted(folder, "collector") is not None:
        return
    logs = log_folder(home, name)
    logs.mkdir(parents=True, exist_ok=True)
    os.chown(logs, HostUser.COLLECTOR, HostUser.COLLECTOR)
    logs.chmod(0o700)
    listening = _listen(socket_folder(folder))
    handles = [
        listening.detach(),
        os.open(folder / "console", os.O_RDONLY | os.O_NONBLOCK),
        os.pidfd_open(supervisor),
        os.open(logs, os.O_RDONLY | os.O_DIRECTORY),
    ]
    # by file and without site packages: it imports nothing of ours, so it stays small
    command = [sys.executable, "-I", "-S", collector.__file__, str(HostUser.COLLECTOR), *map(str, handles)]
    child = start(command, pass_fds=handles)
    for handle in handles:
        os.close(handle)
    state.note(folder, "collector", child.pid)


def _listen(folder: Path) -> socket.socket:
    """A listening socket only the machine's root may connect to, at a name that a dead collector's may have."""
    folder.mkdir(exist_ok=True, mode=0o755)
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    path = f"/proc/self/fd/{handle}/socket"
    try:
        Path(path).unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(path)
        os.chown(path, GUEST_UID_BASE, GUEST_UID_BASE)
        os.chmod(path, 0o600)
    finally:
        os.close(handle)
    listening.listen(4)
    listening.setblocking(False)
    return listening
