"""Prove that a rehearsal's network has no way out: looked at from the host, in each rehearsal, while it runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from stead.machine import firewall, naming, network, saved
from stead.run import CommandError, run
from stead.words.machine import Machine, MachinePlan, NetworkKind

_LIMIT = 10.0
_STOPPED = re.compile(r'counter packets (\d+) bytes \d+ .*comment "stopped (in|through)"')
_FORWARDING = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding")


def prove_sealed(machine: Machine) -> tuple[str, ...]:
    """Everything that speaks against the machine's network being sealed; nothing: it is.

    Both namespaces must have no link but the one between them and no route past it, our end must forward nothing, both
    rule sets must be the ones we made, and nothing that should not have passed the first may have reached the second.
    """
    plan = saved.load(naming.plan_file(machine.home, machine.name))
    if plan.network is not NetworkKind.SEALED:
        return (f"the machine {machine.name} is not sealed at all",)
    link = naming.link(machine.home, machine.name, plan.network)
    try:
        return tuple(_doubts(plan, link))
    except (CommandError, ValueError, KeyError) as problem:
        return (f"the seal could not be looked at: {problem}",)


def _doubts(plan: MachinePlan, link: naming.Link) -> Iterator[str]:
    outside = link.outside_netns or ""
    for netns, wire, peer in ((link.netns, naming.INSIDE, link.interface), (outside, link.interface, naming.INSIDE)):
        for other in _links(netns) - {"lo", wire}:
            yield f"{netns} has another link: {other}"
        for route in _ways_out(netns, allowed=(naming.INSIDE,) if wire == naming.INSIDE else ()):
            yield f"{netns} has a route out of it: {route}"
        if not _is_peer(netns, wire, outside if netns == link.netns else link.netns, peer):
            yield f"the link {wire} in {netns} does not end in its counterpart"
    forwarding = _in(outside, "sysctl", "-n", *_FORWARDING[: 2 if network.has_ipv6() else 1]).split()
    if set(forwarding) != {"0"}:
        yield f"{outside} forwards between its links"
    for netns in (link.netns, outside):
        rules = _in(netns, "nft", "list", "ruleset")
        if firewall.without_counts(rules) != network.noted_rules(plan, netns):
            yield f"the firewall in {netns} is not the one that was loaded"
        for packets, where in _STOPPED.findall(rules):
            if packets != "0":
                yield f"{packets} packets passed the machine's own firewall and were stopped at our end ({where})"


def _links(netns: str) -> set[str]:
    return {row["ifname"] for row in json.loads(run(["ip", "-json", "-n", netns, "link"], timeout=_LIMIT).out)}


def _is_peer(netns: str, wire: str, other_netns: str, peer: str) -> bool:
    """Whether ``wire`` is one end of a pair whose other end is ``peer`` in the other namespace (indexes cross)."""
    here = _link(netns, wire)
    there = _link(other_netns, peer)
    return (here["link_index"], there["link_index"]) == (there["ifindex"], here["ifindex"])


def _link(netns: str, name: str) -> dict[str, int]:
    row: dict[str, int] = json.loads(run(["ip", "-json", "-n", netns, "link", "show", name], timeout=_LIMIT).out)[0]
    return row


def _ways_out(netns: str, allowed: tuple[str, ...]) -> Iterator[str]:
    for family in ("-4", "-6"):
        shown = run(
            ["ip", "-json", "-n", netns, family, "route", "show", "table", "all"], timeout=_LIMIT, expect=()
        ).out
        for route in json.loads(shown or "[]"):
            if "gateway" in route and route.get("dev") not in allowed:
                yield f"{route['dst']} via {route['gateway']}"


def _in(netns: str, *command: str) -> str:
    return run(["nsenter", f"--net={naming.NETNS / netns}", *command], timeout=_LIMIT).out
