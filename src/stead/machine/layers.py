"""The file tree of one boot: an empty layer in memory over the rendered configuration over the release, data bound in.

All of it lives in the launcher's private mount table: when the machine's last process is gone, so is every mount.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from stead.machine import naming
from stead.run import kernel
from stead.words.declaration import GUEST_UID_BASE, TreeFile
from stead.words.errors import SteadError
from stead.words.machine import MachinePlan

#: Where the machine finds the socket its journal is sent to.
GUEST_JOURNAL = "/run/host-journal"
_DATA_FLAGS = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
#: Most the machine may write outside data until it restarts; in memory, so only what is used counts.
_SCRATCH = "512M"
_MAX_LINKS = 20


def lay(plan: MachinePlan, stage: Path) -> Path:
    """Build the tree below the folder ``stage`` and return its root; mounts are made in this process's table."""
    kernel.mount(
        "stead", stage, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, f"mode=0700,size={_SCRATCH},nr_inodes=200k"
    )
    config, upper, work, root = (stage / part for part in ("config", "upper", "work", "root"))
    for layer in (config, upper):
        layer.mkdir(mode=0o755)
        os.chown(layer, GUEST_UID_BASE, GUEST_UID_BASE)
    work.mkdir()
    root.mkdir()
    write_config(plan, config)
    # by number and by short names: the kernel splits options at commas and colons, which a folder's name may have
    lower = os.open(plan.tree, os.O_PATH | os.O_DIRECTORY)
    os.chdir(stage)
    options = f"lowerdir=config:/proc/self/fd/{lower},upperdir=upper,workdir=work"
    kernel.mount("stead", root, "overlay", kernel.MS_NODEV, options)
    os.close(lower)
    os.chdir("/")
    for bound in plan.binds:
        target = root / _resolved(plan.tree, bound.guest)
        _folders(plan.tree, root, target)
        kernel.bind(bound.host, target, _DATA_FLAGS | (0 if bound.writable else kernel.MS_RDONLY))
    return root


def write_config(plan: MachinePlan, layer: Path) -> None:
    """Write the plan's configuration and our own few files into the empty folder ``layer``, owners shifted."""
    for file in (*plan.config, *_own_files(plan)):
        target = layer / _resolved(plan.tree, file.path)
        _folders(plan.tree, layer, target.parent)
        owner = GUEST_UID_BASE + _number(plan.uids, file.owner)
        group = GUEST_UID_BASE + _number(plan.gids, file.group)
        if file.link is not None:
            target.symlink_to(file.link)
        else:
            target.write_bytes(file.content)
            target.chmod(file.mode)
        os.chown(target, owner, group, follow_symlinks=False)


def _own_files(plan: MachinePlan) -> tuple[TreeFile, ...]:
    """What the machine needs of the host whatever runs in it: an identity, and where its log goes."""
    identity = hashlib.sha256(naming.key(plan.home, plan.name).encode()).hexdigest()[:32]
    journal = (
        "[Journal]\nStorage=volatile\nRuntimeMaxUse=8M\nRateLimitIntervalSec=0\n"
        f"ForwardToSocket={GUEST_JOURNAL}/socket\nMaxLevelSocket=debug\nForwardToSyslog=no\n"
    )
    # no programs are updated in place here, so nothing that updates call for need run; nobody logs in at a console
    not_needed = ("console-getty.service", "systemd-logind.service", "dbus-org.freedesktop.login1.service")
    manager = (
        "[Manager]\nDefaultTimeoutStartSec=45s\nDefaultTimeoutStopSec=15s\nShowStatus=yes\nStatusUnitFormat=name\n"
    )
    return (
        TreeFile("/etc/machine-id", f"{identity}\n".encode(), 0o444),
        TreeFile("/etc/systemd/journald.conf.d/stead.conf", journal.encode()),
        TreeFile("/etc/systemd/system.conf.d/stead.conf", manager.encode()),
        TreeFile("/etc/.updated"),
        TreeFile("/var/.updated"),
        *(TreeFile(f"/etc/systemd/system/{unit}", link="/dev/null") for unit in not_needed),
    )


def _number(table: Mapping[str, int], name: str) -> int:
    if name == "root":
        return 0
    if name not in table:
        raise SteadError(f"a configuration file belongs to {name!r}, which no service declares")
    return table[name]


def _folders(tree: Path, layer: Path, folder: Path) -> None:
    """Make ``folder`` in the layer, each part looking as in the release: the upper one's owner and mode win."""
    path = layer
    for part in folder.relative_to(layer).parts:
        path = path / part
        if path.exists():
            continue
        path.mkdir()
        like = tree / path.relative_to(layer)
        if like.is_dir():
            found = like.stat()
            os.chown(path, found.st_uid, found.st_gid)
            path.chmod(stat.S_IMODE(found.st_mode))
        else:
            os.chown(path, GUEST_UID_BASE, GUEST_UID_BASE)
            path.chmod(0o755)


def _resolved(tree: Path, path: str) -> Path:
    """``path`` relative to the root, with the release's links among its folders followed inside the release.

    A folder made where the release has a link (``/var/run``, ``/lib``) would hide what the link leads to.
    """
    done = Path()
    left = list(Path(path).parts[1:])
    for _ in range(len(left) + _MAX_LINKS):
        if not left:
            return done
        part = left.pop(0)
        if part == "..":
            done = done.parent
        elif left and (tree / done / part).is_symlink():
            target = (tree / done / part).readlink()
            done = Path() if target.is_absolute() else done
            left = [p for p in target.parts if p != "/"] + left
        else:
            done = done / part
    raise SteadError(f"{path}: too many links on the way to it in the release")
