"""What the machine's root cannot do, tried by the machine's root."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shlex import quote

import pytest

from stead import machine
from stead.words.home import Home
from stead.words.machine import Machine, MachinePlan
from tests.machine.conftest import Planner
from tests.machine.talk import shell

pytestmark = pytest.mark.boot

FORBIDDEN = {
    "an address": "ip addr add 192.0.2.9/32 dev host0",
    "a route": "ip route add 192.0.2.0/24 via 198.18.0.1",
    "another default route": "ip route replace default dev host0",
    "a link": "ip link add more type dummy",
    "its link down": "ip link set host0 down",
    "forwarding": "echo 1 > /proc/sys/net/ipv4/ip_forward",
    "any switch": "echo 0 > /proc/sys/kernel/panic",
    "a writable /sys": "mount -o remount,rw /sys",
    "a disk": "mknod /tmp/disk b 254 0 && cat /tmp/disk",
    "programs in data": "cp /bin/true /data/mail/t && /data/mail/t",
    "programs in data by a remount": "mount -o remount,bind,rw,exec /data/mail",
    "a folder the host writes": "echo x > /data/identity/x",
    "the same by a remount": "mount -o remount,bind,rw /data/identity",
    "to see through a mount": "umount /data/identity || umount -l /data/identity",
    "the host's memory": "head -c1 /dev/mem",
    "kernel modules": "python3 -c \"import ctypes,sys; sys.exit(ctypes.CDLL(None).syscall(175,0,0,b'') == 0 or 1)\"",
    "the clock": "date -s 2001-01-01",
    "the socket of the log": "rm /run/host-journal/socket",
}


@pytest.fixture
def running(home: Home, plan: Planner, start: Callable[[MachinePlan], Machine]) -> Machine:
    return start(plan(home))


def test_root_inside_cannot(running: Machine, tree: Path) -> None:
    script = "\n".join(
        f"( {what} ) >/dev/null 2>&1 && echo {quote('could: ' + name)}" for name, what in FORBIDDEN.items()
    )
    assert shell(running, script + "\necho tried").text == "tried\n"
    rules = "import socket,sys\ns=socket.socket(16,3,12)\ns.bind((0,0))\n"
    rules += "m=bytes.fromhex('14000000010a0103 0100000000000000 00000000'.replace(' ',''))\n"  # list tables, inet
    rules += "s.send(m); print(int.from_bytes(s.recv(4096)[16:20],'little',signed=True))"
    assert machine.ask(running, ["python3", "-c", rules]).text.strip() == "-1"


def test_sockets_that_know_no_namespace_are_refused(running: Machine) -> None:
    code = "import socket\nfor f in (40, 17, 38, 31, 16, 1, 2, 10):\n"
    code += "  try: socket.socket(f, 2); print(f)\n  except OSError: pass"
    assert machine.ask(running, ["python3", "-c", code]).text.split() == ["16", "1", "2", "10"]
    assert shell(running, f"systemd-run --quiet --pipe --wait python3 -c {quote(code)}").text.split() == [
        "16",
        "1",
        "2",
        "10",
    ]


def test_the_host_is_not_to_be_seen(running: Machine, home: Home) -> None:
    seen = shell(running, "cat /proc/self/mountinfo; ls /run/host /sys/class/net; ls /proc | grep -c '^[0-9]'").text
    assert str(home.lib / "testdata" / "mail") in seen  # the name of the bound folder shows, nothing else may
    assert "eth0" not in seen
    assert shell(running, f"ls {home.lib} {home.run} /work 2>/dev/null").text == ""
    assert "unreachable" not in shell(running, "ls /proc/1/root/").text
    assert int(seen.split()[-1]) < 60


def test_one_service_cannot_read_anothers_data(running: Machine) -> None:
    assert shell(running, "echo secret > /data/mail/letter; cat /data/mail/letter", uid=614).text == "secret\n"
    assert "Permission denied" in shell(running, "cat /data/mail/letter", uid=618).text


def test_only_data_outlives_a_restart_and_the_release_is_untouched(
    running: Machine, home: Home, plan: Planner, start: Callable[[MachinePlan], Machine], tree: Path
) -> None:
    evil = (
        "cp /bin/true /usr/bin/evil && cp /bin/true /usr/bin/env && rm -r /usr/share/doc; "
        "echo x > /etc/evil; mkdir -p /etc/systemd/system/evil.service.d; echo kept > /data/mail/kept; echo did"
    )
    assert shell(running, evil).text.endswith("did\n")
    assert not (tree / "usr/bin/evil").exists()
    machine.stop(home, "r-000001")
    again = start(plan(home))
    found = shell(again, "ls /usr/bin/evil /etc/evil /etc/systemd/system/evil.service.d; cat /data/mail/kept; env true")
    assert found.text.count("No such file") == 3
    assert "kept\n" in found.text
