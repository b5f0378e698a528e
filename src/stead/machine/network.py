"""Make and take away a machine's network: namespaces, the link, addresses, kernel switches, firewall.

The namespace around a machine belongs to the host, so nothing in it is the machine's to change.
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

from stead.machine import naming
from stead.machine.firewall import inside_rules, outside_rules, without_counts
from stead.machine.naming import INSIDE, NETNS, Link
from stead.run import kernel, run
from stead.words.home import Home
from stead.words.machine import MachinePlan, NetworkKind

_SYSCTL = Path("/proc/sys/net")
_LIMIT = 10.0


def make(plan: MachinePlan) -> Link:
    """Make the network of a machine, then move this process into the machine's namespace."""
    link = naming.link(plan.home, plan.name, plan.network)
    remove(plan.home, plan.name)
    peer = f"netns {link.outside_netns}" if link.outside_netns else ""
    lines = [f"netns add {link.netns}"] + ([f"netns add {link.outside_netns}"] if link.outside_netns else [])
    lines.append(f"link add {INSIDE} netns {link.netns} type veth peer name {link.interface} {peer}")
    _ip(lines)
    if link.outside_netns:
        kernel.join_netns(NETNS / link.outside_netns)
    _our_end(plan, link)
    kernel.join_netns(NETNS / link.netns)
    _machine_end(plan, link)
    return link


def remove(home: Home, name: str) -> None:
    """Take the machine's network away, whatever of it is there. Called in the host's own namespace."""
    own = naming.key(home, name)
    link = naming.link(home, name, NetworkKind.LOCAL)
    run(["nft", "-f", "-"], stdin=f"table inet {own} {{}}\ndelete table inet {own}\n", timeout=_LIMIT)
    if link.interface in links():
        run(["ip", "link", "delete", link.interface], timeout=_LIMIT, expect=())
    for netns in (own, f"{own}-out"):
        if (NETNS / netns).exists():
            run(["ip", "netns", "delete", netns], timeout=_LIMIT)
    if _note().exists():
        _forwarding_back()


def links() -> set[str]:
    """The network links of the namespace this process is in."""
    return {name for _, name in socket.if_nameindex()}


def has_ipv6() -> bool:
    """Whether this kernel speaks IPv6 at all."""
    return (_SYSCTL / "ipv6").is_dir()


def _our_end(plan: MachinePlan, link: Link) -> None:
    wire = link.interface
    if link.outside_netns:
        _forwarding_off()
    _switch(f"ipv4/conf/{wire}/route_localnet", 1)
    _ip(_addresses(wire, link.outside, link.outside6) + (["link set lo up"] if link.outside_netns else []))
    uplinks = () if plan.network is NetworkKind.SEALED else _forwarding_on()
    _load(plan, outside_rules(plan, naming.key(plan.home, plan.name), link, uplinks), link.outside_netns)


def _machine_end(plan: MachinePlan, link: Link) -> None:
    """This process is in the machine's namespace by now, and /proc/sys/net shows that one's switches."""
    _forwarding_off()
    _switch("ipv4/ip_unprivileged_port_start", 0)
    _load(plan, inside_rules(plan, naming.key(plan.home, plan.name), link), link.netns)
    routes = [f"route add default via {link.outside}"]
    if has_ipv6():
        routes.append(f"route add default via {link.outside6}")
    _ip(["link set lo up", *_addresses(INSIDE, link.inside, link.inside6), *routes])


def _addresses(interface: str, address: str, address6: str) -> list[str]:
    lines = [f"addr add {address}/30 dev {interface}"]
    if has_ipv6():
        # duplicate address detection would hold the address back for a second, on a link of two
        _switch(f"ipv6/conf/{interface}/accept_dad", 0)
        _switch(f"ipv6/conf/{interface}/accept_ra", 0)
        lines.append(f"addr add {address6}/64 dev {interface} nodad")
    return [*lines, f"link set {interface} up"]


def _forwarding_off() -> None:
    """A new namespace takes the host's switches over, and the host may forward for its live machine."""
    _switch("ipv4/ip_forward", 0)
    if has_ipv6():
        _switch("ipv6/conf/all/forwarding", 0)


def _forwarding_on() -> tuple[str, ...]:
    """Let packets pass between links and the world; returns the uplinks that forward only because of us.

    What was changed is noted first, and undone when the last link of any home on this computer goes.
    """
    uplinks = _uplinks()
    wanted = {"ipv4/ip_forward": "1"}
    if has_ipv6():
        # a forwarding interface ignores router advertisements unless told 2: the host would lose its own route
        routers = {f"ipv6/conf/{uplink}/accept_ra" for uplink in uplinks}
        wanted |= {switch: "2" for switch in routers if _read(switch) == "1"}
        wanted["ipv6/conf/all/forwarding"] = "1"
    before = {switch: _read(switch) for switch, value in wanted.items() if _read(switch) != value}
    if not before:
        return tuple(json.loads(_note().read_text())["uplinks"]) if _note().exists() else ()
    _note().write_text(json.dumps({"before": before, "uplinks": uplinks}))
    for switch in before:
        _switch(switch, wanted[switch])
    return uplinks


def _forwarding_back() -> None:
    links = run(["ip", "-json", "-4", "address", "show", "to", "10.209.0.0/16"], timeout=_LIMIT).out
    if any(json.loads(links or "[]")):
        return
    for switch, value in reversed(json.loads(_note().read_text())["before"].items()):
        if (_SYSCTL / switch).exists():
            _switch(switch, value)
    _note().unlink()


def _note() -> Path:
    """What we switched on for forwarding: one note for all homes, as the switches are (one set per namespace)."""
    return Path(f"/run/stead-forwarding-{os.stat('/proc/self/ns/net').st_ino}.json")


def _uplinks() -> tuple[str, ...]:
    """Interfaces with a default route."""
    found: set[str] = set()
    for family in ("-4", "-6"):
        shown = run(["ip", "-json", family, "route", "show", "default"], timeout=_LIMIT, expect=()).out
        found |= {route["dev"] for route in json.loads(shown or "[]") if "dev" in route}
    return tuple(sorted(found))


def _switch(switch: str, value: int | str) -> None:
    (_SYSCTL / switch).write_text(f"{value}\n")


def _read(switch: str) -> str:
    return (_SYSCTL / switch).read_text().strip()


def _ip(lines: list[str]) -> None:
    run(["ip", "-batch", "-"], stdin="\n".join(lines) + "\n", timeout=_LIMIT)


def _load(plan: MachinePlan, rules: str, netns: str | None) -> None:
    """Load the rules into the namespace this process is in; in one of our own, note how they look there."""
    run(["nft", "-f", "-"], stdin=rules, timeout=_LIMIT)
    if netns:
        _rules_note(plan, netns).write_text(without_counts(run(["nft", "list", "ruleset"], timeout=_LIMIT).out))


def noted_rules(plan: MachinePlan, netns: str) -> str:
    """All rules of the namespace ``netns`` as they were when it was made."""
    note = _rules_note(plan, netns)
    return note.read_text() if note.exists() else ""


def _rules_note(plan: MachinePlan, netns: str) -> Path:
    return naming.folder(plan.home, plan.name) / f"rules-{netns}"
