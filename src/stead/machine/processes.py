"""Find every process of a machine, also when all notes about it are lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from stead.machine import naming, state
from stead.words.home import Home

_PROC = Path("/proc")


def of_machine(home: Home, name: str) -> set[int]:
    """Processes started for the machine, and those in its network namespaces."""
    own, folder = naming.key(home, name), naming.folder(home, name)
    words = {f"--machine={own}", str(naming.plan_file(home, name))}
    spaces = {inode for path in (own, f"{own}-out") if (inode := _inode(naming.NETNS / path))}
    noted = {pid for role in ("supervisor", "collector") if (pid := state.noted(folder, role))}
    return noted | {
        pid for pid in _others() if words & set(_command(pid)) or (spaces and _inode(_PROC / f"{pid}/ns/net") in spaces)
    }


def mentioning(folder: Path) -> Iterator[tuple[int, str]]:
    """Processes that name ``folder`` or something in it on their command line, with that command."""
    own = str(folder)
    for pid in _others():
        command = _command(pid)
        if any(own in word and word.partition(own)[2][:1] in ("", "/") for word in command):
            yield pid, " ".join(command)[:200]


def saying(beginning: str) -> Iterator[tuple[int, str]]:
    """Processes with a word on their command line that begins so, with that command."""
    for pid in _others():
        command = _command(pid)
        if any(word.startswith(beginning) for word in command):
            yield pid, " ".join(command)[:200]


def _others() -> Iterator[int]:
    """Every live process but this one and those it comes from."""
    line = set()
    pid = os.getpid()
    while pid > 0:
        line.add(pid)
        pid = _parent(pid)
    for entry in os.scandir(_PROC):
        if entry.name.isdigit() and int(entry.name) not in line and state.started(int(entry.name)) is not None:
            yield int(entry.name)


def _parent(pid: int) -> int:
    try:
        return int((_PROC / f"{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _command(pid: int) -> list[str]:
    try:
        return os.fsdecode((_PROC / f"{pid}/cmdline").read_bytes()).rstrip("\0").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
