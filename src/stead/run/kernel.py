"""The few system calls Python 3.11 does not offer: namespaces, mounts, prctl. Nothing of Stead's own is known here."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
_CLONE_NEWIPC = 0x08000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096
MS_REC, MS_PRIVATE = 16384, 1 << 18
MNT_DETACH = 2
#: user, mount, pid, network, ipc, uts and cgroup namespaces
_CLONE_ALL = 0x10000000 | CLONE_NEWNS | 0x20000000 | CLONE_NEWNET | _CLONE_NEWIPC | 0x04000000 | 0x02000000
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(code: int, what: str) -> None:
    if code != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare_mounts() -> None:
    """Give this process a mount table of its own, from which nothing leaks back and into which nothing leaks."""
    _checked(_libc.unshare(CLONE_NEWNS), "a private mount table")
    _checked(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "making mounts private")


def join_netns(path: Path) -> None:
    """Move this process (and what it starts) into the network namespace at ``path``."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _checked(_libc.setns(handle, CLONE_NEWNET), f"joining {path}")
    finally:
        os.close(handle)


def leave_network() -> None:
    """Give this process a network and an ipc namespace of its own, in which nobody and nothing is reached."""
    _checked(_libc.unshare(CLONE_NEWNET | _CLONE_NEWIPC), "leaving the network")


def mount(source: str | Path, target: Path, kind: str | None = None, flags: int = 0, options: str = "") -> None:
    """mount(2); the error names the target."""
    code = _libc.mount(
        os.fsencode(source), os.fsencode(target), kind.encode() if kind else None, flags, options.encode() or None
    )
    _checked(code, f"mounting {source} at {target}")


def bind(source: Path, target: Path, flags: int, *, recursive: bool = False) -> None:
    """Bind ``source`` at ``target`` with ``flags`` (read-only and the no* ones need a second step, done here)."""
    mount(source, target, flags=MS_BIND | (MS_REC if recursive else 0))
    mount("none", target, flags=MS_BIND | MS_REMOUNT | flags)


def detach(target: Path) -> None:
    """Take the mount at ``target`` and everything on it off, at once for new users, later for those inside."""
    _checked(_libc.umount2(os.fsencode(target), MNT_DETACH), f"unmounting {target}")


def mount_points(table: Path = Path("/proc/self/mountinfo")) -> list[tuple[Path, str]]:
    """Every mount of this process: where it is and of which type, in the order of mounting."""
    found = []
    for line in table.read_bytes().splitlines():
        before, _, after = line.partition(b" - ")
        where = before.split(b" ")[4].decode("unicode_escape").encode("latin-1")
        found.append((Path(os.fsdecode(where)), after.split(b" ")[0].decode()))
    return found


def join_all(pid: int) -> None:
    """Move this process into every namespace of process ``pid`` (its pid namespace counts for children only)."""
    handle = os.pidfd_open(pid)
    try:
        _checked(_libc.setns(handle, _CLONE_ALL), f"joining the namespaces of process {pid}")
    finally:
        os.close(handle)


def give_up(capabilities: tuple[int, ...]) -> None:
    """Never gain these capabilities (by number) again, nor any privilege by starting a program."""
    for capability in capabilities:
        _checked(_libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0), f"dropping capability {capability}")
    gain_nothing()


def gain_nothing() -> None:
    """Never gain a privilege by starting a program."""
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "giving up new privileges")
