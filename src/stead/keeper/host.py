"""A look at the host, as ``stead doctor`` shows it: can this computer run a server, and what is in the way?"""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stead.run import CommandError, run
from stead.settings import Settings
from stead.words.declaration import Port
from stead.words.home import Home
from stead.words.quantities import say_size
from stead.words.verdict import Verdict

#: Debian packages the program uses; the launcher installs the same.
PACKAGES = (
    "mmdebstrap", "systemd-container", "nftables", "iproute2", "btrfs-progs", "fuse3", "debian-archive-keyring",
    "ca-certificates", "e2fsprogs", "util-linux", "mount",
)  # fmt: skip
_NEED_DISK, _NEED_MEMORY = 6 * 10**9, 900 * 10**6
#: This program was written then; a clock before it is wrong.
_WRITTEN = 1_760_000_000
_NAT = "table ip stead-doctor { chain c { type nat hook prerouting priority -100; tcp dport 9 redirect to :9; }; }"


@dataclass(frozen=True)
class Look:
    """One thing looked at: what was found, and what to do if it is in the way."""

    name: str
    verdict: Verdict
    what: str
    next: str = ""


def look_at_host(home: Home, settings: Settings, ports: Iterable[Port], *, shift: int, running: bool) -> list[Look]:
    """Look at everything; nothing is changed."""
    looks: list[Look] = [_distribution(), *_file_systems(), _loop(), _user_namespaces(), _nat(), _packages()]
    looks += [_disk(home), _memory(), *_clock(), _names("deb.debian.org", "where Debian's packages come from")]
    looks.append(_ports(settings, tuple(ports), shift, running=running))
    if settings.domain:
        looks.append(_names(settings.hostname, "the server's own name"))
    return looks


def _good(name: str, what: str) -> Look:
    return Look(name, Verdict.PASS, what)


def _distribution() -> Look:
    fields = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    named = f"{fields.get('ID', '')} {fields.get('VERSION_ID', '')}".replace('"', "")
    what = fields.get("PRETTY_NAME", "unknown").strip('"')
    if named in ("debian 12", "debian 13", "ubuntu 24.04"):
        return _good("distribution", what)
    return Look("distribution", Verdict.FAIL, what, "install Debian 12, Debian 13 or Ubuntu 24.04")


def _file_systems() -> Iterator[Look]:
    for kind, why in (("btrfs", "data"), ("overlay", "machines"), ("fuse", "drills"), ("cgroup2", "machines")):
        known = {line.split()[-1] for line in Path("/proc/filesystems").read_text().splitlines()}
        if kind not in known:
            _try(["modprobe", kind])
            known = {line.split()[-1] for line in Path("/proc/filesystems").read_text().splitlines()}
        if kind in known:
            yield _good(f"kernel: {kind}", f"is there, for {why}")
        else:
            yield Look(f"kernel: {kind}", Verdict.FAIL, "the kernel does not have it", "use Debian's own kernel")


def _loop() -> Look:
    if Path("/dev/loop-control").exists() or _try(["modprobe", "loop"]):
        return _good("kernel: loop devices", "are there, for data in a file")
    next_step = "use Debian's own kernel, or data on a btrfs of your own (data.btrfs)"
    return Look("kernel: loop devices", Verdict.FAIL, "there are none", next_step)


def _user_namespaces() -> Look:
    if _try(["unshare", "--user", "true"]):
        return _good("kernel: user namespaces", "work")
    next_step = "sysctl user.max_user_namespaces must not be 0"
    return Look("kernel: user namespaces", Verdict.FAIL, "cannot be made", next_step)


def _nat() -> Look:
    try:
        run(["nft", "--check", "--file", "-"], stdin=_NAT, timeout=10)
    except CommandError as trouble:
        lines = trouble.message.splitlines()
        return Look("kernel: firewall", Verdict.FAIL, lines[-1], "apt-get install nftables; use Debian's own kernel")
    return _good("kernel: firewall", "nftables with address translation")


def _packages() -> Look:
    result = run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Package}\n", *PACKAGES], timeout=30, expect=())
    there = {line[2:].strip() for line in result.out.splitlines() if line.startswith("ii")}
    missing = [package for package in PACKAGES if package not in there]
    if not missing:
        return _good("packages", "all that is needed are installed")
    return Look("packages", Verdict.FAIL, f"missing: {' '.join(missing)}", f"apt-get install {' '.join(missing)}")


def _disk(home: Home) -> Look:
    folder = next(path for path in (home.lib, *home.lib.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    what = f"{say_size(free)} free under {home.lib}"
    if free >= _NEED_DISK or (home.releases / "current").exists():
        return _good("disk", what)
    return Look("disk", Verdict.FAIL, f"{what}, {say_size(_NEED_DISK)} are needed", "make room")


def _memory() -> Look:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if total >= _NEED_MEMORY:
        return _good("memory", say_size(total))
    next_step = "use a computer with at least 1 GB"
    return Look("memory", Verdict.FAIL, f"{say_size(total)}, too little for all services", next_step)


def _clock() -> Iterator[Look]:
    if time.time() < _WRITTEN:
        yield Look("clock", Verdict.FAIL, f"it shows {time.strftime('%Y-%m-%d')}, which is past", "set the clock")
        return
    try:
        said = run(["timedatectl", "show", "--property=NTPSynchronized", "--value"], timeout=10).out.strip()
    except CommandError:
        said = ""
    if said == "yes":
        yield _good("clock", "is synchronised")
    elif said == "no":
        yield Look("clock", Verdict.UNPROVEN, "is not synchronised (yet)", "apt-get install systemd-timesyncd")
    else:
        yield Look("clock", Verdict.UNPROVEN, "is plausible; whether it is synchronised cannot be told here", "")


def _names(name: str, why: str) -> Look:
    try:
        result = run(["getent", "ahosts", name], timeout=15)
    except CommandError:
        next_step = "see /etc/resolv.conf, and that the name is right"
        return Look(f"name {name}", Verdict.FAIL, f"{why}; it is not found", next_step)
    found = sorted({line.split()[0] for line in result.out.splitlines() if line.strip()})
    return _good(f"name {name}", f"{why}: {', '.join(found[:3])}")


def _ports(settings: Settings, ports: tuple[Port, ...], shift: int, *, running: bool) -> Look:
    numbers = [port.guest if settings.public else port.local + shift for port in ports]
    if running:
        return _good("ports", f"{', '.join(map(str, numbers))}: the server has them")
    address = "0.0.0.0" if settings.public else "127.0.0.1"
    taken = [str(number) for number in numbers if not _is_free(address, number)]
    if not taken:
        return _good("ports", f"{', '.join(map(str, numbers))}: free")
    next_step = "stop the program that has them (ss -tlnp shows which)"
    return Look("ports", Verdict.FAIL, f"taken by another program: {', '.join(taken)}", next_step)


def _is_free(address: str, number: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _works(lambda: trial.bind((address, number)))


def _works(act: Callable[[], object]) -> bool:
    try:
        act()
    except OSError:
        return False
    return True


def _try(command: list[str]) -> bool:
    try:
        run(command, timeout=15)
    except CommandError:
        return False
    return True
