"""The live machine between its host and the world: published ports, senders' addresses, what may leave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stead import machine
from stead.machine import naming
from stead.words.home import Home
from stead.words.machine import Machine, MachinePlan, NetworkKind
from tests.machine.conftest import HOST4, HOST6, WORLD4, WORLD6, Planner, users, world
from tests.machine.talk import attempts, call, listening

pytestmark = pytest.mark.boot
Start = Callable[[MachinePlan], Machine]


def test_local_mode_is_for_this_computer_only(home: Home, plan: Planner, start: Start, host_network: None) -> None:
    running = start(plan(home, "live", NetworkKind.LOCAL))
    endpoint = running.endpoints["smtp"]
    assert endpoint.host == "127.0.0.1" and running.netns is None
    assert call(None, "127.0.0.1", endpoint.port) == f"you are ::ffff:{running.outside}"
    for address in (HOST4, HOST6):
        assert call(world(), address, endpoint.port) == "ConnectionRefusedError"
        assert call(None, address, endpoint.port) == "ConnectionRefusedError"


def test_public_mode_keeps_the_senders_address(home: Home, plan: Planner, start: Start, host_network: None) -> None:
    start(plan(home, "live", NetworkKind.PUBLIC))
    assert call(world(), HOST4, 25) == f"you are ::ffff:{WORLD4}"
    assert call(world(), HOST6, 25) == f"you are {WORLD6}"
    assert call(None, HOST4, 25) == f"you are ::ffff:{HOST4}"
    assert call(None, HOST6, 25) == f"you are {HOST6}"
    assert call(None, "127.0.0.1", 25).startswith("you are")


def test_only_what_is_declared_leaves_and_the_host_is_out_of_reach(
    home: Home, plan: Planner, start: Start, host_network: None, tree: Path, tmp_path: Path
) -> None:
    running = start(plan(home, "live", NetworkKind.PUBLIC))
    who = users(tree)
    both = [("AF_INET", WORLD4), ("AF_INET6", WORLD6)]
    mail = [(family, "SOCK_STREAM", address, 25) for family, address in both]
    dns = [(family, "SOCK_DGRAM", address, 53) for family, address in both]
    web = [(family, "SOCK_STREAM", address, 80) for family, address in both]
    with listening(world(), [25, 53, 80], tmp_path / "world"), listening(None, [53, 80, 2525], tmp_path / "host"):
        for uid, targets in ((who["postfix"], mail), (who["unbound"], dns)):
            assert {said for said, _ in attempts(running, uid, targets).values()} == {"reached"}
        for uid, targets in ((who["postfix"], dns + web), (who["unbound"], mail + web), (0, mail + dns + web)):
            assert "reached" not in {said for said, _ in attempts(running, uid, targets).values()}
        own = [("AF_INET", "SOCK_DGRAM", HOST4, 53), ("AF_INET", "SOCK_DGRAM", running.outside, 53)]
        assert "reached" not in {said for said, _ in attempts(running, who["unbound"], own).values()}
        sink = [("AF_INET", "SOCK_STREAM", running.outside, 2525)]
        assert {said for said, _ in attempts(running, who["postfix"], sink).values()} == {"reached"}
    heard = set((tmp_path / "world").read_text().split("\n"))
    assert heard == {
        "ready", "", f"SOCK_STREAM 25 ::ffff:{HOST4}", f"SOCK_STREAM 25 {HOST6}",
        f"SOCK_DGRAM 53 ::ffff:{HOST4}", f"SOCK_DGRAM 53 {HOST6}",
    }  # fmt: skip
    inside = naming.link(home, "live", NetworkKind.PUBLIC).inside
    assert (tmp_path / "host").read_text() == f"ready\nSOCK_STREAM 2525 ::ffff:{inside}\n"


def test_the_hosts_switches_are_put_back(home: Home, plan: Planner, start: Start, host_network: None) -> None:
    switches = [Path("/proc/sys/net/ipv4/ip_forward"), Path("/proc/sys/net/ipv6/conf/all/forwarding")]
    before = []
    for switch in switches:
        switch.write_text("0\n")
        before.append(switch.read_text())
    start(plan(home, "live", NetworkKind.LOCAL))
    assert [switch.read_text() for switch in switches] == ["1\n", "1\n"]
    machine.stop(home, "live")
    assert [switch.read_text() for switch in switches] == before


def test_two_homes_at_once(tmp_path: Path, plan: Planner, start: Start, host_network: None) -> None:
    one, two = Home.at(tmp_path / "one"), Home.at(tmp_path / "two")
    try:
        first = start(plan(one, "live", NetworkKind.LOCAL))
        second = start(plan(two, "live", NetworkKind.LOCAL))
        rehearsal = start(plan(one, "r-00000a"))
        assert first.outside != second.outside
        ports = {m.endpoints["smtp"].port for m in (first, second)}
        assert len(ports) == 2
        for port in ports:
            assert call(None, "127.0.0.1", port).startswith("you are")
        targets = [("AF_INET", "SOCK_STREAM", naming.link(two, "live", NetworkKind.LOCAL).inside, 25)]
        postfix = users(plan(one).tree)["postfix"]
        assert "reached" not in {said for said, _ in attempts(first, postfix, targets).values()}
        machine.stop(one, "live")
        assert machine.find(one, "r-00000a") == rehearsal
        assert machine.find(two, "live") == second
        machine.sweep(one)
        machine.sweep(two)
        assert machine.find(one, "r-00000a") == rehearsal
        assert machine.find(two, "live") == second
    finally:
        for home in (one, two):
            for name in ("live", "r-00000a"):
                machine.stop(home, name)
    assert machine.leftovers(one) == machine.leftovers(two) == ()
