"""Machines for this room's tests: a release with its services switched off and a small echo server in their place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stead import machine
from stead.run import kernel, run
from stead.words.declaration import GUEST_UID_BASE, Egress, Port, TreeFile
from stead.words.home import Home
from stead.words.machine import Bind, Machine, MachinePlan, NetworkKind
from stead.words.progress import Silent

#: No home's ports, whatever its shift is: those are all multiples of a thousand away from the declared ones.
OWN_PORTS = (Port("smtp", 25, 28525),)

HARDENED = """\
[Unit]
Description=answers who asks
[Service]
Type=notify
ExecStart=/usr/bin/python3 /usr/local/lib/echo.py
User=vmail
Restart=on-failure
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
MemoryDenyWriteExecute=yes
SystemCallFilter=@system-service
CapabilityBoundingSet=
NoNewPrivileges=yes
TemporaryFileSystem=/data:ro
BindPaths=/data/mail
ReadWritePaths=/data/mail
"""

ECHO = b"""\
import os, socket, socketserver
class Server(socketserver.ThreadingTCPServer):
    address_family, allow_reuse_address, daemon_threads = 10, True, True
class Answer(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(("you are " + self.client_address[0] + "\\n").encode())
server = Server(("::", 25), Answer)
print("echo is ready", flush=True)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
server.serve_forever()
"""


def services_of(tree: Path) -> set[str]:
    """The units the release itself starts: they would miss their configuration here."""
    return {wanted.name for wanted in (tree / "etc/systemd/system").glob("*.wants/*")}


@pytest.fixture(scope="session")
def tree(request: pytest.FixtureRequest) -> Path:
    """The release tree to boot, as the check names it."""
    named = os.environ.get("STEAD_TEST_RELEASE")
    if named is None:
        named = str(request.getfixturevalue("release").tree)
    assert Path(named, "usr/lib/systemd/systemd").exists(), f"STEAD_TEST_RELEASE is no release tree: {named}"
    return Path(named)


def users(tree: Path) -> dict[str, int]:
    rows = (line.split(":") for line in (tree / "etc/passwd").read_text().splitlines())
    return {row[0]: int(row[2]) for row in rows} | {"vmail": 614}


def unit(name: str, text: str) -> tuple[TreeFile, TreeFile]:
    """A unit that starts with the machine."""
    path = f"/etc/systemd/system/{name}"
    return TreeFile(path, text.encode()), TreeFile(f"/etc/systemd/system/multi-user.target.wants/{name}", link=path)


Planner = Callable[..., MachinePlan]


@pytest.fixture
def plan(tree: Path) -> Planner:
    """Makes the plan of a small machine; ``config`` is added to it."""

    def make(
        home: Home, name: str = "r-000001", network: NetworkKind = NetworkKind.SEALED, config: tuple[TreeFile, ...] = ()
    ) -> MachinePlan:
        data = home.lib / "testdata"
        for folder, uid in (("mail", 614), ("files", 618), ("identity", 0)):
            path = data / folder
            path.mkdir(parents=True, exist_ok=True)
            os.chown(path, GUEST_UID_BASE + uid, GUEST_UID_BASE + uid)
            path.chmod(0o700)
        own = (
            TreeFile("/usr/local/lib/echo.py", ECHO),
            *unit("echo.service", HARDENED),
            *(TreeFile(f"/etc/systemd/system/{name}", link="/dev/null") for name in services_of(tree)),
        )
        return MachinePlan(
            home=home,
            name=name,
            tree=tree,
            config=(*own, *config),
            binds=(
                Bind(data / "mail", "/data/mail", True),
                Bind(data / "files", "/data/files", True),
                Bind(data / "identity", "/data/identity", False),
            ),
            network=network,
            ports=OWN_PORTS,
            egress=(Egress("unbound", "udp", (53,)), Egress("unbound", "tcp", (53,)), Egress("postfix", "tcp", (25,))),
            uids=users(tree),
            gids={"vmail": 614},
            sink_port=2525,
            port_shift=machine.free_port_shift(home, OWN_PORTS),
        )

    return make


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """An empty home, checked for leftovers afterwards."""
    fresh = Home.at(tmp_path / "home")
    yield fresh
    for name in machine.names(fresh):
        machine.stop(fresh, name)
    assert machine.leftovers(fresh) == ()


@pytest.fixture
def start() -> Callable[[MachinePlan], Machine]:
    return lambda wanted: machine.start(wanted, Silent())


HOST, WORLD = "stead-test-host", "stead-test-world"
HOST4, WORLD4, HOST6, WORLD6 = "203.0.113.1", "203.0.113.2", "2001:db8:1::1", "2001:db8:1::2"


@pytest.fixture
def host_network(home: Home) -> Iterator[None]:
    """The test stands in a host of its own, one link away from a small world: what it publishes meets nobody else."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    host, world = f"{HOST}-{os.getpid()}", f"{WORLD}-{os.getpid()}"
    batch = [
        f"netns add {host}",
        f"netns add {world}",
        f"link add uplink netns {host} type veth peer name downlink netns {world}",
    ]
    run(["ip", "-batch", "-"], stdin="\n".join(batch), timeout=10)
    try:
        _furnish(world, "downlink", WORLD4, WORLD6)
        _furnish(host, "uplink", HOST4, HOST6, WORLD4, WORLD6)
        kernel.join_netns(Path("/run/netns") / host)
        yield
    finally:
        for name in machine.names(home):
            machine.stop(home, name)
        kernel.join_netns(Path(f"/proc/self/fd/{before}"))
        os.close(before)
        for netns in (host, world):
            run(["ip", "netns", "delete", netns], timeout=10)


def _furnish(netns: str, wire: str, four: str, six: str, *gateways: str) -> None:
    lines = [
        "link set lo up",
        f"addr add {four}/24 dev {wire}",
        f"addr add {six}/64 dev {wire} nodad",
        f"link set {wire} up",
        *(f"route add default via {gateway}" for gateway in gateways),
    ]
    run(["ip", "-n", netns, "-batch", "-"], stdin="\n".join(lines), timeout=10)


def world() -> str:
    """The namespace of the small world of this test process."""
    return f"{WORLD}-{os.getpid()}"
