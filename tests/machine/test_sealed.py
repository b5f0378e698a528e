"""Nothing leaves a sealed network, tried from inside; the proof of it notices every way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stead import machine
from stead.run import run
from stead.words.home import Home
from stead.words.machine import Machine, MachinePlan
from tests.machine.conftest import Planner, users
from tests.machine.talk import attempts, listening

pytestmark = pytest.mark.boot
OUTSIDE4, OUTSIDE6 = "198.18.0.1", "fd5e:ad00::1"
TARGETS = [
    (family, kind, address, port)
    for family, addresses in (("AF_INET", (OUTSIDE4, "203.0.113.2")), ("AF_INET6", (OUTSIDE6, "2001:db8:1::2")))
    for address in addresses
    for kind, port in (("SOCK_STREAM", 25), ("SOCK_STREAM", 80), ("SOCK_DGRAM", 53), ("SOCK_STREAM", 443), ("icmp", 0))
]


def test_mail_dns_http_and_pings_stay_inside(
    home: Home, plan: Planner, start: Callable[[MachinePlan], Machine], tree: Path, tmp_path: Path
) -> None:
    running = start(plan(home))
    who = users(tree)
    with listening(running.netns, [25, 53, 80, 443, 2525], tmp_path / "heard") as heard:
        for uid in (0, who["postfix"], who["unbound"], 614):
            for target, (said, seconds) in attempts(running, uid, TARGETS).items():
                assert said != "reached", (uid, target)
                assert seconds < 0.5 or target[1] == 0, (uid, target, said, seconds)
        assert heard.read_text() == "ready\n"
        sink = ("AF_INET", "SOCK_STREAM", OUTSIDE4, 2525)
        assert attempts(running, who["unbound"], [sink])[OUTSIDE4, 2525][0] != "reached"
        assert attempts(running, who["postfix"], [sink])[OUTSIDE4, 2525][0] == "reached"
        assert heard.read_text() == "ready\nSOCK_STREAM 2525 ::ffff:198.18.0.2\n"
    assert machine.prove_sealed(running) == ()


def test_the_proof_notices_every_way_out(home: Home, plan: Planner, start: Callable[[MachinePlan], Machine]) -> None:
    running = start(plan(home))
    outside = running.netns or ""
    inside = outside.removesuffix("-out")

    def spoilt(do: list[str], undo: list[str], netns: str) -> str:
        run(["nsenter", f"--net=/run/netns/{netns}", *do], timeout=10)
        doubts = machine.prove_sealed(running)
        run(["nsenter", f"--net=/run/netns/{netns}", *undo], timeout=10)
        return " ".join(doubts)

    assert machine.prove_sealed(running) == ()
    for netns in (inside, outside):
        link = spoilt(["ip", "link", "add", "way", "type", "veth"], ["ip", "link", "delete", "way"], netns)
        assert "another link: way" in link
        table = spoilt(["nft", "add", "table", "ip", "more"], ["nft", "delete", "table", "ip", "more"], netns)
        assert "is not the one that was loaded" in table
    on, off = (["sysctl", "-qw", f"net.ipv4.ip_forward={value}"] for value in "10")
    assert "forwards" in spoilt(on, off, outside)
    route = ["default", "via", "198.18.0.2"]
    assert "route out" in spoilt(["ip", "route", "add", *route], ["ip", "route", "delete", *route], outside)
    assert machine.prove_sealed(running) == ()
    run(["nsenter", f"--net=/run/netns/{inside}", "nft", "flush", "ruleset"], timeout=10)
    assert "is not the one" in " ".join(machine.prove_sealed(running))
    run(["ip", "netns", "delete", outside], timeout=10)
    assert "could not be looked at" in " ".join(machine.prove_sealed(running))


def test_a_packet_that_passed_the_first_wall_is_told(
    home: Home, plan: Planner, start: Callable[[MachinePlan], Machine]
) -> None:
    running = start(plan(home))
    inside = (running.netns or "").removesuffix("-out")
    accept = ["nft", "insert", "rule", "inet", inside, "output", "accept"]
    run(["nsenter", f"--net=/run/netns/{inside}", *accept], timeout=10)
    targets = [("AF_INET", "SOCK_STREAM", OUTSIDE4, 80), ("AF_INET", "SOCK_STREAM", "203.0.113.2", 80)]
    assert all(said != "reached" for said, _ in attempts(running, 0, targets).values())
    assert "passed the machine's own firewall" in " ".join(machine.prove_sealed(running))
