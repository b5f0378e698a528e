"""From a freshly installed tree to one that is the same in every build: nothing generated, nothing needless, nothing
enabled that no service asked for, no way to gain rights. Owners are shifted into the machines' user namespace last."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from stead.release.accounts import EPOCH, ids_of
from stead.run.process import run
from stead.words.declaration import GUEST_UID_BASE, TreeFile
from stead.words.errors import SteadError

#: Emptied folders: what is in them is made anew at each boot, or was of use to the package tools only.
_EMPTIED = (
    *("dev", "proc", "sys", "run", "tmp", "boot", "var/tmp", "var/cache", "var/backups", "var/lib/dpkg/info"),
    *("var/lib/apt", "var/lib/ucf", "var/lib/pam", "var/lib/systemd/catalog", "etc/ssl/private", "etc/dovecot/private"),
)
#: Removed, whole: (generated keys, caches, records of the installation, tools that cannot run in a machine).
_REMOVED = (
    *("etc/apt", "var/lib/apt", "etc/dpkg/dpkg.cfg.d/99mmdebstrap", "usr/sbin/policy-rc.d", "etc/init.d", "root/.ssh"),
    *("etc/hostname", "etc/mailname", "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/subuid-"),
    *("etc/subgid-", "etc/.pwd.lock", "etc/aliases.db", "etc/ssl/certs/ssl-cert-snakeoil.pem", "etc/ssh"),
    *("var/lib/systemd/random-seed", "var/lib/dbus/machine-id", "var/lib/systemd/deb-systemd-helper-enabled"),
    *("var/lib/systemd/deb-systemd-user-helper-enabled", "var/lib/systemd/deb-systemd-helper-masked"),
    *("var/lib/shells.state", "var/lib/dpkg/lock", "var/lib/dpkg/lock-frontend", "var/lib/dpkg/parts"),
    *("var/lib/dpkg/status-old", "var/lib/dpkg/diversions-old", "var/lib/dpkg/statoverride-old"),
    *("var/lib/dpkg/triggers", "var/lib/dpkg/updates", "var/lib/dpkg/alternatives", "var/lib/dpkg/available"),
    *(f"etc/rc{level}.d" for level in "0123456S"),
)
#: Units that have nothing to do in a machine (no console, no devices, no packages, a tree that is never changed).
_MASKED = (
    *("getty@.service", "serial-getty@.service", "console-getty.service", "container-getty@.service", "getty.target"),
    *("systemd-networkd.service", "systemd-networkd.socket", "systemd-networkd-wait-online.service"),
    *("systemd-resolved.service", "systemd-timesyncd.service", "systemd-logind.service", "systemd-firstboot.service"),
    *("systemd-remount-fs.service", "systemd-hwdb-update.service", "systemd-journal-catalog-update.service"),
    *("systemd-update-done.service", "systemd-sysusers.service", "systemd-pstore.service", "ldconfig.service"),
    *("systemd-machine-id-commit.service", "systemd-homed.service", "systemd-userdbd.socket", "fstrim.timer"),
    *("systemd-boot-random-seed.service", "systemd-random-seed.service", "systemd-pcrphase.service"),
    *("apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "e2scrub_reap.service", "man-db.timer"),
    *("dpkg-db-backup.timer", "dpkg-db-backup.service", "logrotate.timer", "unbound-resolvconf.service"),
    *("postfix-resolvconf.path", "postfix-resolvconf.service"),
)
_ACLS = ("security.capability", "system.posix_acl_access", "system.posix_acl_default")


def tidy(tree: Path) -> None:
    """Take away what differs between builds or has no use in a machine."""
    for folder in _EMPTIED:
        for entry in _entries(tree / folder):
            _remove(entry)
    for path in _REMOVED:
        _remove(tree / path)
    for file in _walk(tree / "var/log"):
        if not file.is_dir() or file.is_symlink():
            _remove(file)
    for link in _walk(tree / "etc/ssl/certs"):
        if link.is_symlink() and os.readlink(link) == "ssl-cert-snakeoil.pem":
            _remove(link)
    (tree / "etc/machine-id").write_bytes(b"")
    _remove(tree / "etc/resolv.conf")
    (tree / "etc/resolv.conf").write_text("nameserver 127.0.0.1\noptions edns0 trust-ad\n", "utf-8")
    # Equal to /usr's time: no boot ever thinks that /etc or /var are older than the programs.
    for stamp in ("etc/.updated", "var/.updated"):
        (tree / stamp).write_bytes(b"")


def disable_units(tree: Path) -> None:
    """Nothing is enabled but what services enable by their files; what cannot work in a machine is masked."""
    units = tree / "etc/systemd/system"
    for entry in _walk(units):
        if entry.is_symlink():
            _remove(entry)
    for folder in _entries(units):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    for unit in _MASKED:
        (units / unit).symlink_to("/dev/null")
    _leave_mounts(units)


def _leave_mounts(units: Path) -> None:
    """What the machine was given mounted goes with it: unmounting all that one by one would be half a second of each
    stop, and fails (systemd.unit(5): a drop-in for every unit of a type)."""
    folder = units / "mount.d"
    folder.mkdir(mode=0o755, exist_ok=True)
    (folder / "stead.conf").write_text("[Unit]\nDefaultDependencies=no\n", "utf-8")


def place_files(tree: Path, files: tuple[TreeFile, ...]) -> None:
    """Write the services' files into the tree, over whatever packages put there."""
    uids, gids = ids_of(tree)
    for file in files:
        target = tree / file.path.lstrip("/")
        if target.parent.resolve().is_relative_to(tree.resolve()) is False or not file.path.startswith("/"):
            raise SteadError(f"a service's file would lie outside of the release: {file.path}")
        if file.owner not in uids or file.group not in gids:
            raise SteadError(f"{file.path} belongs to {file.owner}:{file.group}, and there is no such user or group")
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(target)
        if file.link is not None:
            target.symlink_to(file.link)
        else:
            target.write_bytes(file.content)
            target.chmod(file.mode)
        os.chown(target, uids[file.owner], gids[file.group], follow_symlinks=False)


def compile_python(tree: Path) -> None:
    """Compile our own Python parts, and tell Python to trust all compiled files: the tree can never change."""
    if (tree / "usr/lib/stead").is_dir() and (tree / "usr/bin/python3").exists():
        compiler = ("python3", "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
        seed = {"PYTHONHASHSEED": "0"}
        run(["chroot", tree, *compiler, "/usr/lib/stead"], timeout=300, env=seed)
    for root, _, names in os.walk(tree / "usr"):
        for name in names:
            if name.endswith(".pyc"):
                _trust(Path(root, name))


def settle_owners(tree: Path) -> None:
    """One walk: no setuid, setgid, capabilities or access lists; one time; owners shifted by GUEST_UID_BASE."""
    for path, info in _lstat_walk(tree):
        if info.st_uid >= GUEST_UID_BASE:
            continue  # the second name of a hard link
        link = stat.S_ISLNK(info.st_mode)
        for name in () if link else os.listxattr(path, follow_symlinks=False):
            if name in _ACLS:
                os.removexattr(path, name, follow_symlinks=False)
        os.chown(path, info.st_uid + GUEST_UID_BASE, info.st_gid + GUEST_UID_BASE, follow_symlinks=False)
        if not link:
            os.chmod(path, stat.S_IMODE(info.st_mode) & 0o1777)
        os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)


def _lstat_walk(tree: Path) -> Iterator[tuple[str, os.stat_result]]:
    pending = [str(tree)]
    yield pending[0], os.lstat(tree)
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                yield entry.path, entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)


def _trust(file: Path) -> None:
    """Bytes 4 to 8 of a .pyc: 3 is "hash, checked", 1 "hash, unchecked" (PEP 552); a time stamp cannot be trusted."""
    with open(file, "r+b") as compiled:
        flags = int.from_bytes(compiled.read(8)[4:8], "little")
        if flags == 3:
            compiled.seek(4)
            compiled.write((1).to_bytes(4, "little"))
    if flags == 0:
        file.unlink()


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []


def _walk(folder: Path) -> list[Path]:
    return [Path(root, name) for root, folders, names in os.walk(folder) for name in (*folders, *names)]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
