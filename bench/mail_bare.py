"""The mail programs of a release outside any machine: the same files and commands, in a folder on the host's own disk.

What a machine adds is left out: user namespace, layers, hardening of units, link, firewall, the log's way to the host.
Kept is what any server has: a journal, and nothing else. Started by ``bench/mail.py`` as
``unshare --mount --net --pid --fork --kill-child python bench/mail_bare.py ROOT DATA ADDRESS...``: all of it ends with
that one process, which ends when its standard input is closed.
"""

from __future__ import annotations

import os
import select
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stead import services
from stead.machine import layers
from stead.run import kernel, run
from stead.run import start as start_process
from stead.words.declaration import GUEST_UID_BASE
from stead.words.machine import MachinePlan

#: In this order, each as its unit says it.
UNITS = ("stead-certificate", "unbound", "redis-server", "rspamd", "dovecot", "postfix")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_NOT_QUEUED = ("identity", "keys", "tls")
_WITHIN = 60.0
_ENDS_WITHIN = 15.0


@dataclass(frozen=True)
class Bare:
    """The running programs: the pid of the process they all come from, and where their data lies on the host."""

    leader: int
    data: Path


def make_root(plan: MachinePlan, root: Path) -> None:
    """A plain copy of the release with the machine's own rendered configuration in it, owned as the guest sees it."""
    rendered = root.with_name(f"{root.name}-config")
    rendered.mkdir()
    layers.write_config(plan, rendered)
    run(["cp", "-a", plan.tree, root], timeout=600)
    run(["cp", "-a", "--remove-destination", f"{rendered}/.", root], timeout=60)
    shutil.rmtree(rendered)
    _unshift(root)
    (root / "etc/systemd/journald.conf.d/stead.conf").write_text(
        "[Journal]\nStorage=volatile\nRuntimeMaxUse=8M\nRateLimitIntervalSec=0\nForwardToSyslog=no\nAudit=keep\n"
    )


def make_data(live: Path, data: Path, *, shifted: bool) -> None:
    """An empty data tree with the accounts, keys and certificate of the live one; owners for a machine if shifted."""
    data.mkdir(parents=True, exist_ok=True)
    services.prepare_data(data)
    for name in _NOT_QUEUED:
        run(["cp", "-a", f"{live}/{name}/.", data / name], timeout=60)
    if not shifted:
        _unshift(data)


def _unshift(top: Path) -> None:
    for folder, folders, files in os.walk(top):
        for path in (folder, *(os.path.join(folder, name) for name in (*folders, *files))):
            found = os.lstat(path)
            if found.st_uid >= GUEST_UID_BASE:
                group = found.st_gid - GUEST_UID_BASE if found.st_gid >= GUEST_UID_BASE else found.st_gid
                os.lchown(path, found.st_uid - GUEST_UID_BASE, group)


@contextmanager
def running(root: Path, data: Path, addresses: Sequence[str]) -> Iterator[Bare]:
    """The programs in ``root`` on ``data`` while the block runs, in a network of their own with these addresses."""
    apart = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child=KILL"]
    program = [sys.executable, __file__, str(root), str(data), *addresses]
    hold, open_while_wanted = os.pipe()[::-1]
    heard, says = os.pipe()
    process = start_process([*apart, *program], stdin=open_while_wanted, stdout=says, stderr=sys.stderr.fileno())
    os.close(open_while_wanted)
    os.close(says)
    try:
        if not select.select([heard], [], [], 2 * _WITHIN)[0] or os.read(heard, 16) != b"ready\n":
            raise SystemExit("the bare programs did not start")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield Bare(int(children[0]), data)
    finally:
        os.close(hold)
        os.close(heard)
        until = time.monotonic() + _ENDS_WITHIN
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        process.kill()
        process.wait()


def main(root: Path, data: Path, addresses: Sequence[str]) -> None:
    """Be the first process of the namespaces: mounts, network, then each unit's commands; reap until told to end."""
    _mounts(root, data)
    Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")
    run(["ip", "link", "set", "lo", "up"], timeout=10)
    for address in addresses:
        run(["ip", "address", "add", address, "dev", "lo"], timeout=10)
    run(["chroot", root, "systemd-tmpfiles", "--create", "/etc/tmpfiles.d/stead-mail.conf"], timeout=30)
    start_process(["chroot", str(root), "/usr/lib/systemd/systemd-journald"])
    _wait_for(root / "run/systemd/journal/dev-log")
    for unit in UNITS:
        _start(root, unit)
    for socket in ("redis/redis.sock", "rspamd/milter.sock", "dovecot/lmtp"):
        _wait_for(root / "run" / socket)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not select.select([sys.stdin], [], [], 0.2)[0]:
        _reap()


def _mounts(root: Path, data: Path) -> None:
    for place in ("run", "tmp", "dev"):
        kernel.mount("bench", root / place, "tmpfs", options="mode=1777" if place == "tmp" else "mode=0755")
    kernel.mount("proc", Path("/proc"), "proc")
    kernel.mount("proc", root / "proc", "proc")
    kernel.mount("sysfs", root / "sys", "sysfs", kernel.MS_RDONLY)
    kernel.mount("cgroup2", root / "sys/fs/cgroup", "cgroup2", kernel.MS_RDONLY)
    for name in _DEVICES:
        (root / "dev" / name).touch()
        kernel.mount(Path("/dev") / name, root / "dev" / name, flags=kernel.MS_BIND)
    (root / "dev/shm").mkdir(mode=0o1777)
    (root / "dev/shm").chmod(0o1777)
    (root / "dev/log").symlink_to("/run/systemd/journal/dev-log")
    (root / "data").mkdir(exist_ok=True)
    kernel.mount(data, root / "data", flags=kernel.MS_BIND)


def _unit(root: Path, name: str) -> dict[str, list[str]]:
    """What a unit and its drop-ins say, as systemd reads it: an empty value forgets the ones before."""
    said: dict[str, list[str]] = defaultdict(list)
    places = [root / f"{top}/systemd/system/{name}.service" for top in ("usr/lib", "etc")]
    for file in (*filter(Path.exists, places), *sorted(root.glob(f"etc/systemd/system/{name}.service.d/*.conf"))):
        for line in file.read_text().splitlines():
            key, equals, value = line.partition("=")
            if equals and not key.startswith("#"):
                said[key] = [*said[key], value] if value else []
    return said


def _start(root: Path, name: str) -> None:
    """Run a unit's commands as its user, without any of its hardening."""
    said = _unit(root, name)
    user = (said["User"] or ["root"])[-1]
    group = (said["Group"] or [user])[-1]
    more = ",".join(" ".join(said["SupplementaryGroups"]).split())
    become: list[str | Path] = ["chroot", f"--userspec={user}:{group}", f"--groups={more}", root]
    for folder in set(said["RuntimeDirectory"]):
        made = root / "run" / folder
        made.mkdir(exist_ok=True)
        made.chmod(int((said["RuntimeDirectoryMode"] or ["0755"])[-1], 8))
        run(["chroot", root, "chown", f"{user}:{group}", f"/run/{folder}"], timeout=10)
    env: dict[str, str] = {}
    for file in (root / value.lstrip("-/") for value in said["EnvironmentFile"]):
        lines = file.read_text().splitlines() if file.exists() else []
        env |= dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    before = os.umask(int((said["UMask"] or ["0022"])[-1], 8))
    commands = [value.lstrip("+-!@:").split() for value in (*said["ExecStartPre"], *said["ExecStart"])]
    for command in commands[:-1]:
        run([*become, *command], timeout=30, env=env)
    if said["Type"][-1:] == ["oneshot"]:
        run([*become, *commands[-1]], timeout=30, env=env)
    else:
        start_process([*become, "systemd-cat", f"--identifier={name}", *commands[-1]], env=env)
    os.umask(before)


def _wait_for(path: Path) -> None:
    until = time.monotonic() + _WITHIN
    while not path.exists():
        if time.monotonic() > until:
            raise SystemExit(f"{path} does not appear")
        _reap()
        time.sleep(0.05)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
