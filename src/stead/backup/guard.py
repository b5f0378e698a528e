"""Run a program so that it ends when we end, and, if asked, sees folders at constant paths below /run/stead.

Run as a script by its path, with Python's standard library alone:
``guard.py PARENT-PID [--bind SOURCE TARGET]... -- PROGRAM ARGUMENT...``. PARENT-PID 0: it may outlive everybody. The
binds are read-only and live in a mount namespace of the program's own: nobody else sees them, and they end with it.
Restic's ``sftp.args`` get the path of the program's own stderr: ssh complains there.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import stat
import sys

_ROOM = "/run/stead"
_SSH = "sftp.args="
_PR_SET_PDEATHSIG = 1
_CLONE_NEWNS = 0x00020000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOATIME = 1, 2, 4, 1024
_MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 32, 4096, 16384, 1 << 18
_libc = ctypes.CDLL(None, use_errno=True)


def main(words: list[str]) -> None:
    """Set everything up and become the program."""
    parent, words = int(words[0]), words[1:]
    binds: list[tuple[str, str]] = []
    while words[0] == "--bind":
        binds.append((words[1], words[2]))
        words = words[3:]
    words = words[1:]
    if parent:
        # Asked before the check: a parent that dies between the two is noticed by the check.
        _call("prctl", _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT))
        if os.getppid() != parent:
            sys.exit("the program that asked for this is gone")
    if binds:
        _bind_all(binds)
    if any(word.startswith(_SSH) for word in words):
        # Two write into it: if it is a file, neither may write over what the other wrote.
        fcntl.fcntl(2, fcntl.F_SETFL, fcntl.fcntl(2, fcntl.F_GETFL) | os.O_APPEND)
        words = [f"{word} -E /proc/{os.getpid()}/fd/2" if word.startswith(_SSH) else word for word in words]
    os.execv(words[0], words)


def _bind_all(binds: list[tuple[str, str]]) -> None:
    os.makedirs(_ROOM, mode=0o755, exist_ok=True)
    _call("unshare", _libc.unshare(_CLONE_NEWNS))
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    # Opened now: a source may itself lie below /run/stead, which is about to be covered.
    opened = [(os.open(source, os.O_PATH), target) for source, target in binds]
    _mount("tmpfs", _ROOM, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=1m,mode=0755")
    for handle, target in opened:
        if not target.startswith(_ROOM + "/"):
            sys.exit(f"{target} is not below {_ROOM}")
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            os.makedirs(target, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
        _mount(f"/proc/self/fd/{handle}", target, None, _MS_BIND)
        flags = _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOATIME
        _mount("none", target, None, flags)
        os.close(handle)


def _mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    answer = _libc.mount(
        os.fsencode(source), os.fsencode(target), kind.encode() if kind else None, flags,
        options.encode() if options else None,
    )  # fmt: skip
    _call(f"mounting {target}", answer)


def _call(what: str, answer: int) -> None:
    if answer != 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main(sys.argv[1:])
