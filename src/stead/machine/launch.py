"""The launcher: a process that prepares everything a machine stands on, then becomes systemd-nspawn.

Started as ``python -m stead.machine.launch PLAN`` by :func:`stead.machine.start`, or by the live machine's unit. It
cleans up after an earlier launcher of the same machine first, so it can be killed at any point and started again.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from stead.machine import cgroups, collecting, layers, naming, network, saved, seccomp, state
from stead.run import kernel
from stead.words.declaration import GUEST_UID_BASE
from stead.words.errors import SteadError
from stead.words.machine import MachinePlan

#: What systemd and its units do without (raw packets, devices, audit, scheduling of others), and the numbers of it.
DROPPED = {
    9: "CAP_LINUX_IMMUTABLE",
    11: "CAP_NET_BROADCAST",
    13: "CAP_NET_RAW",
    15: "CAP_IPC_OWNER",
    23: "CAP_SYS_NICE",
    26: "CAP_SYS_TTY_CONFIG",
    27: "CAP_MKNOD",
    28: "CAP_LEASE",
    29: "CAP_AUDIT_WRITE",
    30: "CAP_AUDIT_CONTROL",
}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: Where nspawn says that the machine is up; a socket's name must be short, and a home's folder need not be.
_NOTIFY = Path("/run/systemd/nspawn/notify")
#: Mounts nspawn itself needs on its way; every other one is dropped from the private table.
_NEEDED = ("/", "/usr", "/bin", "/lib", "/lib64", "/etc", "/proc", "/dev", "/run", "/tmp", "/var")


def main() -> None:
    """Launch the machine whose plan file is the only argument; an expected failure is one line on standard error."""
    try:
        launch(saved.load(Path(sys.argv[1])))
    except (SteadError, OSError) as problem:
        sys.exit(str(problem))


def launch(plan: MachinePlan) -> None:
    """Prepare the machine and become its supervisor; returns only by an exception."""
    folder = naming.folder(plan.home, plan.name)
    stage = folder / "stage"
    stage.mkdir(parents=True, exist_ok=True)
    os.chmod(folder, 0o700)
    state.note(folder, "supervisor", os.getpid())
    console = collecting.open_console(folder)
    collecting.ensure(plan.home, plan.name)
    network.make(plan)
    kernel.unshare_mounts()
    root = layers.lay(plan, stage)
    _forget_mounts(stage)
    _own_sys()
    _own_traces(folder)
    if not Path("/run/systemd/system").is_dir():
        cgroups.enter(naming.key(plan.home, plan.name))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(console, 1)
    os.dup2(console, 2)
    filter_sockets()
    command = nspawn(plan, root, folder)
    os.execvpe(command[0], command, {"PATH": _PATH, "TERM": "dumb", "NOTIFY_SOCKET": str(_NOTIFY)})


def filter_sockets() -> None:
    """Let this process and what it starts open only the kinds of socket a machine needs."""
    seccomp.allow_families(socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)


def nspawn(plan: MachinePlan, root: Path, folder: Path) -> list[str]:
    """The command that boots the tree at ``root``."""
    return [
        "systemd-nspawn",
        "--quiet",
        "--settings=no",
        "--register=no",
        "--keep-unit",
        "--boot",
        f"--directory={root}",
        f"--machine={naming.key(plan.home, plan.name)}",
        "--console=read-only",
        f"--private-users={GUEST_UID_BASE}:65536",
        "--private-users-ownership=off",
        "--no-new-privileges=yes",
        f"--drop-capability={','.join(DROPPED.values())}",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--notify-ready=yes",
        f"--bind-ro={collecting.socket_folder(folder)}:{layers.GUEST_JOURNAL}",
    ]


def _forget_mounts(stage: Path) -> None:
    """Drop every mount of the host this machine has no use for, so that it never keeps one of them busy.

    What data and programs lie on is dropped, too: by now they are mounted below ``stage`` themselves.
    """
    needed = {Path(path) for path in _NEEDED} | {stage, *stage.parents}
    for where, _ in reversed(kernel.mount_points()):
        if where not in needed and not where.is_relative_to("/dev") and not where.is_relative_to(stage):
            try:
                kernel.detach(where)
            except OSError:
                continue  # gone with the mount it was on, or hidden below another


def _own_sys() -> None:
    """Show the machine's network in /sys, not the host's, and the cgroup version nspawn needs."""
    kernel.mount("sysfs", Path("/sys"), "sysfs", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    kernel.mount("cgroup2", Path("/sys/fs/cgroup"), "cgroup2", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)


def _own_traces(folder: Path) -> None:
    """Let nspawn's own files vanish with it, and give the socket it reports to (if anyone listens) a short name."""
    traces = _NOTIFY.parent
    traces.mkdir(parents=True, exist_ok=True)
    kernel.mount("stead", traces, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=0755")
    if (folder / "notify").exists():
        _NOTIFY.touch()
        kernel.mount(folder / "notify", _NOTIFY, flags=kernel.MS_BIND)


if __name__ == "__main__":
    main()
