"""The two rule sets of a machine, as text for nft: one around it, one at our end of its link. Pure; nothing is loaded.

Around it: default deny both ways; what a service declared may leave, matched by its host uid, so the guest's root can
neither change nor pass it. Refusals are answered at once, so nothing inside waits for a timeout.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from stead.machine.naming import INSIDE, Link
from stead.words.declaration import GUEST_UID_BASE, Port
from stead.words.machine import MachinePlan, NetworkKind

#: Neighbour discovery: without it IPv6 does not work at all.
_NEIGHBOURS = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept"
_REFUSE = "counter reject with icmpx type admin-prohibited"


def inside_rules(plan: MachinePlan, table: str, link: Link) -> str:
    """The rules in the machine's own namespace."""
    served = _ports(port.guest for port in plan.ports)
    return _table(
        table,
        f"""
  chain input {{
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state established,related accept
    {_NEIGHBOURS}
    {f"tcp dport {served} accept" if plan.ports else ""}
    counter comment "refused in"
  }}
  chain forward {{ type filter hook forward priority filter; policy drop; }}
  chain output {{
    type filter hook output priority filter; policy drop;
    oif lo accept
    ct state established,related accept
    {_NEIGHBOURS}
    {_lines(_leaving(plan, link))}
    meta l4proto tcp counter reject with tcp reset comment "refused out"
    {_REFUSE} comment "refused out"
  }}""",
    )


def outside_rules(plan: MachinePlan, table: str, link: Link, uplinks: Sequence[str] = ()) -> str:
    """The rules at our end of the link. ``uplinks`` are interfaces that forward only because we made them.

    A packet forwarded between others is none of our business and passes, except from ``uplinks``: those must not turn
    the host into a router it was not before (what another program published by DNAT still passes).
    """
    wire = f'"{link.interface}"'
    own_only = f"iifname {_names(uplinks)} ct state new ct status & dnat == 0 drop" if uplinks else ""
    return _table(
        table,
        f"""
  chain input {{
    type filter hook input priority filter; policy accept;
    iifname != {wire} accept
    ct state established,related accept
    {_NEIGHBOURS}
    ip daddr {link.outside} tcp dport {plan.sink_port} accept
    {_REFUSE} comment "stopped in"
  }}
  chain forward {{
    type filter hook forward priority filter; policy accept;
    oifname {wire} jump to_machine
    iifname {wire} jump from_machine
    {own_only}
  }}
  chain to_machine {{
    ct state established,related accept
    ct status & dnat != 0 accept
    counter drop
  }}
  chain from_machine {{
    ct state established,related accept
    {_lines(_passing(plan))}
    {_REFUSE} comment "stopped through"
  }}
  chain prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    {_lines(_public(plan, link, f"iifname != {wire}")) if plan.network is NetworkKind.PUBLIC else ""}
  }}
  chain output {{
    type nat hook output priority -100; policy accept;
    {_lines(_public(plan, link) if plan.network is NetworkKind.PUBLIC else _local(plan, link))}
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname {wire} ip saddr 127.0.0.0/8 masquerade
    {_lines(_hidden(plan, link))}
  }}""",
    )


def without_counts(listed: str) -> str:
    """Rules as nft lists them, without what changes while they work."""
    return re.sub(r"counter packets \d+ bytes \d+", "counter", listed)


def _leaving(plan: MachinePlan, link: Link) -> Iterable[str]:
    """What may leave the machine, by the service's user: to our sink, and elsewhere unless sealed."""
    if "postfix" in plan.uids:
        yield f"{_user(plan, 'postfix')} ip daddr {link.outside} tcp dport {plan.sink_port} accept"
    if plan.network is not NetworkKind.SEALED:
        for rule in plan.egress:
            yield f"{_user(plan, rule.user)} {rule.protocol} dport {_ports(rule.ports)} accept"


def _passing(plan: MachinePlan) -> Iterable[str]:
    """The same seen from our end, where users are not known any more."""
    if plan.network is not NetworkKind.SEALED:
        for protocol in sorted({rule.protocol for rule in plan.egress}):
            ports = {port for rule in plan.egress if rule.protocol == protocol for port in rule.ports}
            yield f"{protocol} dport {_ports(ports)} accept"


def _local(plan: MachinePlan, link: Link) -> Iterable[str]:
    for port in plan.ports:
        yield f"ip daddr 127.0.0.1 tcp dport {local_port(plan, port)} dnat ip to {link.inside}:{port.guest}"


def _public(plan: MachinePlan, link: Link, where: str = "") -> Iterable[str]:
    """Standard ports on every address of the host (``where``: not from the machine, which would meet itself)."""
    for port in plan.ports:
        rule = f"{where} fib daddr type local tcp dport {port.guest}"
        yield f"meta nfproto ipv4 {rule} dnat ip to {link.inside}:{port.guest}"
        # ::1 can never leave lo, so a connection to it must not be turned towards the machine
        yield f"ip6 daddr != ::1 {rule} dnat ip6 to [{link.inside6}]:{port.guest}"


def _hidden(plan: MachinePlan, link: Link) -> Iterable[str]:
    if plan.network is not NetworkKind.SEALED:
        yield f'oifname != "{link.interface}" ip saddr {link.inside} masquerade'
        yield f'oifname != "{link.interface}" ip6 saddr {link.inside6} masquerade'


def local_port(plan: MachinePlan, port: Port) -> int:
    """The port at which ``port`` is published on our side."""
    return port.guest if plan.network is NetworkKind.PUBLIC else port.local + plan.port_shift


def _user(plan: MachinePlan, name: str) -> str:
    return f'oifname "{INSIDE}" meta skuid {GUEST_UID_BASE + plan.uids[name]}'


def _ports(ports: Iterable[int]) -> str:
    return "{ " + ", ".join(str(port) for port in sorted(set(ports))) + " }"


def _names(names: Iterable[str]) -> str:
    return "{ " + ", ".join(f'"{name}"' for name in names) + " }"


def _lines(rules: Iterable[str]) -> str:
    return "\n    ".join(rules)


def _table(name: str, body: str) -> str:
    """Make the table anew in one transaction, whatever was there."""
    return f"table inet {name} {{}}\ndelete table inet {name}\ntable inet {name} {{{body}\n}}\n"
