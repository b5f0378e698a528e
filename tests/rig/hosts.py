"""Whole Debian hosts for tests: containers with systemd as PID 1 and every right, so that Stead's machines run inside.

Each host has a copy of a small tree made once per suite by mmdebstrap. It can be rebooted and lose its power. Its
network is its own; the way out is slirp4netns, a program without privileges that opens its connections for it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess  # noqa: TID251 - for the type of what stead.run starts
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stead.release import Release
from stead.run import Result, run, start
from tests.rig.releases import REPOSITORY

_PACKAGES = "systemd,systemd-sysv,dbus,ca-certificates,git,iproute2,procps,iputils-ping"
_INSIDE = (
    "env",
    "-i",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LANG=C.UTF-8",
)
_BOOT_LIMIT = 90.0
_LOOPS = 64

#: nspawn needs cgroup v2, and computers without systemd often mount v1: then give it a v2 of its own.
#: Copies of other file systems' mounts would keep their devices busy after they are unmounted out here.
_LAUNCH = """
awk '$1 ~ "^/dev/loop" { print $2 }' /proc/self/mounts | xargs -r umount -l
if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
  umount -R /sys/fs/cgroup 2>/dev/null || umount -l /sys/fs/cgroup
  mount -t cgroup2 none /sys/fs/cgroup
fi
mkdir -p "/sys/fs/cgroup/$1" && echo $$ >"/sys/fs/cgroup/$1/cgroup.procs"
shift
exec "$@"
"""


class Host:
    """One Debian computer in the folder ``root``; ``name`` is unique among the hosts that run."""

    def __init__(self, root: Path, name: str, shown: Sequence[Path] = ()) -> None:
        self.root, self.name, self._shown = root, name, shown
        self._supervisor: Callable[[], int | None] = lambda: None
        self._pid = 0
        self._uplink: list[subprocess.Popen[bytes]] = []
        self._log = root.parent / f"{name}.log"

    def boot(self) -> float:
        """Power on and wait until systemd has started everything; the seconds it took."""
        began = time.monotonic()
        words = ["systemd-nspawn", "--quiet", f"--directory={self.root}", "--register=no", "--keep-unit", "--boot"]
        words += [f"--machine={self.name}", "--console=pipe", "--capability=all"]
        # Else nspawn mounts over files that packages want to replace.
        words += ["--resolv-conf=off", "--timezone=off"]
        words += ["--bind=/dev/fuse", "--bind=/dev/loop-control", "--private-network"]
        words += [f"--bind={path}" for path in self._shown]
        with self._log.open("ab") as said:
            child = start(
                ["unshare", "-m", "--propagation", "private", "sh", "-c", _LAUNCH, "sh", f"rig-{self.name}", *words],
                stdout=said,
                stderr=said,
                env={"SYSTEMD_SECCOMP": "0"},
            )
        self._pid, self._supervisor = child.pid, child.poll
        while time.monotonic() - began < _BOOT_LIMIT:
            if self._supervisor() is not None:
                break
            if self._has_its_own("net") and not self._uplink:
                self._connect()
            if self._uplink and self._started():
                self._loop_devices()
                return time.monotonic() - began
            time.sleep(0.25)
        raise AssertionError(f"{self.name} did not come up:\n{self._log.read_text(errors='replace')[-2000:]}")

    def run(self, *args: str, timeout: float = 60.0, expect: Sequence[int] = (0,), stdin: str | None = None) -> Result:
        """Run a program inside as root."""
        inside = ["nsenter", "-t", str(self._pid_one()), "-a", "--wdns=/root", *_INSIDE, *args]
        return run(inside, timeout=timeout, expect=expect, stdin=stdin)

    def power_cut(self) -> None:
        """Kill it without warning."""
        for pid in (self._pid_one(), self._pid):
            if pid:
                with _gone_is_fine():
                    os.kill(pid, signal.SIGKILL)
        self._wait_gone(20)

    def halt(self) -> None:
        """Shut it down properly."""
        self.run("systemctl", "poweroff", expect=())
        self._wait_gone(120)

    def reboot(self) -> float:
        """Shut down and start again; the seconds the start took."""
        self.halt()
        return self.boot()

    def remove(self) -> None:
        """Take it away: power off, loop devices, files."""
        if self._pid and self._supervisor() is None:
            self.power_cut()
        self._disconnect()
        for device in self.loops():
            run(["losetup", "-d", device], timeout=10, expect=())
        shutil.rmtree(self.root, ignore_errors=True)

    def loops(self) -> list[str]:
        """Loop devices on the files of this host, found by inode: a path says nothing here of a file in there."""
        images = [path.stat() for path in (self.root / "var/lib/stead").glob("*.img")]
        ours = {(f"{os.major(facts.st_dev)}:{os.minor(facts.st_dev)}", str(facts.st_ino)) for facts in images}
        listed = run(["losetup", "-l", "-n", "-O", "NAME,BACK-MAJ:MIN,BACK-INO"], timeout=10).out.splitlines()
        rows = [line.split() for line in listed]
        return [row[0] for row in rows if len(row) == 3 and (row[1], row[2]) in ours]

    def _connect(self) -> None:
        """The way out: a program out here that opens connections for the host, and its resolver (10.0.2.3)."""
        way = ["slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback", "--netns-type=path"]
        with self._log.open("ab") as said:
            child = start([*way, f"/proc/{self._pid_one()}/ns/net", "tap0"], stdout=said, stderr=said)
        self._uplink.append(child)

    def _disconnect(self) -> None:
        for child in self._uplink:
            child.kill()
            child.wait()
        self._uplink.clear()

    def _started(self) -> bool:
        state = self.run("systemctl", "is-system-running", expect=(), timeout=20).out.strip()
        return state in ("running", "degraded")

    def _loop_devices(self) -> None:
        make = f"for i in $(seq 0 {_LOOPS - 1}); do [ -b /dev/loop$i ] || mknod /dev/loop$i b 7 $i; done"
        self.run("sh", "-c", make)

    def _pid_one(self) -> int | None:
        """The host's PID 1. nspawn's first child is a passing one that still lives in our own namespaces."""
        children = Path(f"/proc/{self._pid}/task/{self._pid}/children")
        if not self._pid or not children.exists():
            return None
        return next((pid for pid in map(int, children.read_text().split()) if _is_apart(pid, "pid")), None)

    def _has_its_own(self, kind: str) -> bool:
        """PID 1 gets its network a moment after it exists: who connects before that connects out here."""
        pid = self._pid_one()
        return pid is not None and _is_apart(pid, kind)

    def _wait_gone(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self._supervisor() is None:
            if time.monotonic() > until:
                raise AssertionError(f"{self.name} did not go down within {seconds:.0f} s")
            time.sleep(0.1)
        self._disconnect()


def _is_apart(pid: int, kind: str) -> bool:
    """Whether the process lives in another namespace of this kind than we do (a process that is gone does not)."""
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}") != os.readlink(f"/proc/self/ns/{kind}")
    except OSError:
        return False


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except ProcessLookupError:
        pass


def base_tree(suite: str) -> Path:
    """The small tree of a suite that hosts are copies of; made on first use, kept in ``.check``."""
    tree = REPOSITORY / ".check" / f"host-{suite}"
    tree.parent.mkdir(exist_ok=True)
    with (tree.parent / f"host-{suite}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not tree.exists():
            _make_base(suite, tree)
    return tree


def _make_base(suite: str, tree: Path) -> None:
    half = tree.with_name(f"{tree.name}.new")
    shutil.rmtree(half, ignore_errors=True)
    run(["mmdebstrap", "--quiet", "--variant=apt", f"--include={_PACKAGES}", suite, half], timeout=600)
    ours = Path("/usr/local/share/ca-certificates")
    if ours.is_dir() and any(ours.iterdir()):  # this network may have an authority of its own
        run(["cp", "-a", f"{ours}/.", half / "usr/local/share/ca-certificates"], timeout=30)
        run(["chroot", half, "update-ca-certificates"], timeout=60)
    (half / "etc/pip.conf").write_text("[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n")
    (half / "etc/machine-id").write_text("")
    half.rename(tree)


@contextmanager
def fresh_host(folder: Path, suite: str, *, shown: Sequence[Path] = ()) -> Iterator[Host]:
    """A Debian computer of this suite, switched on; nothing of it is left afterwards.

    The folders ``shown`` are seen inside under the same paths, as disks that were plugged in.
    """
    name = f"{suite}-{os.getpid():x}{os.urandom(2).hex()}"
    root = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    run(["cp", "-a", "--reflink=auto", base_tree(suite), root], timeout=300)
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "etc/resolv.conf").write_text("nameserver 10.0.2.3\n")
    (root / "etc/hostname").write_text(f"{name}\n")
    host = Host(root, name, shown)
    try:
        host.boot()
        yield host
    finally:
        host.remove()


def put_clone(host: Host, where: str = "/root/stead") -> None:
    """A fresh clone of the repository's last commit, as a newcomer gets it."""
    inside = host.root / where.lstrip("/")
    run(["git", "clone", "--quiet", "--no-hardlinks", REPOSITORY, inside], timeout=60)
    run(["chown", "-R", "0:0", inside], timeout=30)


def put_release(host: Host, release: Release) -> None:
    """A release that was built elsewhere, as if the host had built it: saves the minutes of a build."""
    store = host.root / "var/lib/stead/releases"
    store.mkdir(parents=True)
    run(["cp", "-a", "--reflink=auto", release.folder, store], timeout=300)
    (store / "current").symlink_to(release.id)


if __name__ == "__main__":
    for wanted in sys.argv[1:] or ("trixie", "bookworm"):
        base_tree(wanted)
