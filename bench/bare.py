"""The mail programs of a release, run bare: no machine, no user namespace, no overlay, no unit's sandbox.

A copy of the release's tree with its owners put back, the very configuration a machine would get, and the daemons
started by hand in a chroot, in a network namespace of their own. For ``bench/mail.py``.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess  # noqa: TID251 - for the type of what stead.run starts
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.rig.server import Server

from stead import services
from stead.rehearsal.assemble import host_resolvers, plan
from stead.release import Release
from stead.run import run, start
from stead.words.declaration import GUEST_UID_BASE, TreeFile
from stead.words.machine import NetworkKind

_RESOLVER = "10.0.2.3"

#: What the units do, without the units: folders, certificate, then the daemons in the units' order.
_DAEMONS = """
set -eu
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
as() { user=$1; groups=$2; shift 2; setpriv --reuid="$user" --regid="$user" --groups="$groups" "$@"; }
install -d -m 755 -o redis -g redis /run/redis
install -d -m 755 -o _rspamd -g _rspamd /run/rspamd
install -d -m 755 -o unbound -g unbound /run/unbound
install -d -m 755 /run/dovecot /var/lib/dovecot /run/stead-tls
systemd-tmpfiles --create /etc/tmpfiles.d/stead-mail.conf
set -a; . /etc/stead/tls.env; set +a
/usr/lib/stead/certificate
as unbound unbound /usr/sbin/unbound -d -p &
as redis redis /usr/bin/redis-server /etc/redis/redis.conf --supervised no &
sleep 1
filter="/usr/bin/rspamd -c /etc/rspamd/rspamd.conf -f --var=DBDIR=/run/rspamd --var=LOGDIR=/run/rspamd"
as _rspamd _rspamd,postfix,redis $filter &
until [ -S /run/rspamd/milter.sock ]; do sleep 0.2; done
/usr/sbin/dovecot -F &
export MAIL_CONFIG=/etc/postfix
/usr/sbin/postsuper
exec /usr/lib/postfix/sbin/master -d
"""


@contextmanager
def bare(server: Server, release: Release, folder: Path, data: Path) -> Iterator[str]:
    """The mail programs run while the block does; the name of their network namespace. ``data`` is any folder."""
    tree, netns = folder / "tree", f"bare-{os.getpid():x}"
    run(["cp", "-a", "--reflink=auto", release.tree, tree], timeout=300)
    _put_back_owners(tree)
    _configure(server, tree, data)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, tree)
        for source, target in ((data, tree / "data"), (Path("/dev"), tree / "dev")):
            target.mkdir(exist_ok=True)
            run(["mount", "--bind", source, target], timeout=20)
            stack.callback(run, ["umount", "-l", target], timeout=20, expect=())
        _network(stack, netns)
        inside = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "chroot", str(tree), "sh", "-c", _DAEMONS]
        with (folder / "bare.log").open("wb") as said:
            child = start(["ip", "netns", "exec", netns, *inside], stdout=said, stderr=said)
        stack.callback(_end, child)
        _wait_ready(netns, folder / "bare.log")
        yield netns


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    time.sleep(0.5)


def _network(stack: ExitStack, netns: str) -> None:
    run(["ip", "netns", "add", netns], timeout=20)
    stack.callback(run, ["ip", "netns", "del", netns], timeout=20)
    run(["ip", "-n", netns, "link", "set", "lo", "up"], timeout=20)
    run(["ip", "netns", "exec", netns, "sysctl", "-qw", "net.ipv4.ip_unprivileged_port_start=0"], timeout=20)
    way = ["slirp4netns", "--configure", "--mtu=65520", "--netns-type=path", f"/run/netns/{netns}", "tap0"]
    stack.callback(_end, start(way))


def _put_back_owners(tree: Path) -> None:
    for root, folders, files in os.walk(tree):
        for path in (root, *(os.path.join(root, name) for name in (*folders, *files))):
            facts = os.lstat(path)
            if facts.st_uid >= GUEST_UID_BASE:
                os.lchown(path, facts.st_uid - GUEST_UID_BASE, facts.st_gid - GUEST_UID_BASE)
                if not stat.S_ISLNK(facts.st_mode):
                    os.chmod(path, stat.S_IMODE(facts.st_mode))


def _configure(server: Server, tree: Path, data: Path) -> None:
    wanted = plan(
        server.home, server.settings, name="live", tree=tree, data=server.home.data, network=NetworkKind.LOCAL
    )
    for file in wanted.config:
        _write(tree, file)
    shutil.rmtree(data, ignore_errors=True)
    services.prepare_data(_made(data))
    for top in ("identity", "keys", "tls"):
        run(["cp", "-a", f"{server.home.data}/{top}/.", data / top], timeout=30)
    _put_back_owners(data)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _write(tree: Path, file: TreeFile) -> None:
    target = tree / file.path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    if file.link is not None:
        target.symlink_to(file.link)
        return
    content = file.content
    for resolver in host_resolvers():
        content = content.replace(resolver.encode(), _RESOLVER.encode())
    target.write_bytes(content)
    target.chmod(file.mode)
    os.chown(target, services.uids()[file.owner], services.gids()[file.group])


def _wait_ready(netns: str, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        listening = run(["ip", "netns", "exec", netns, "ss", "-Hltn"], timeout=20).out
        if ":25 " in listening and ":993 " in listening:
            time.sleep(3)  # as long as a machine has had when it is ready
            return
        time.sleep(0.5)
    raise SystemExit(f"the bare programs did not start:\n{log.read_text(errors='replace')[-3000:]}")
