"""What everything of one machine is called in the kernel and on disk, made from its home and name alone.

So a machine can be taken away by name after whoever started it is dead.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from stead.words.home import Home
from stead.words.machine import NetworkKind

LIVE = "live"
#: The machine's own network interface, inside.
INSIDE = "host0"
#: Where the kernel's named network namespaces are.
NETNS = Path("/run/netns")

_LINK_NAME_MAX = 15
_SEALED = ("198.18.0.1", "198.18.0.2", "fd5e:ad00::1", "fd5e:ad00::2")


@dataclass(frozen=True)
class Link:
    """The wire between a machine and us: our interface and both ends' addresses.

    ``netns`` is the machine's namespace; ``outside_netns`` the one that plays the host (None: the host's own).
    """

    netns: str
    outside_netns: str | None
    interface: str
    outside: str
    inside: str
    outside6: str
    inside6: str


def key(home: Home, name: str) -> str:
    """The machine's name among all homes of this computer: of its namespace, firewall table, cgroup."""
    return f"{home.tag}-{name}"


def folder(home: Home, name: str) -> Path:
    """The machine's own folder; there as long as anything of it may be."""
    return home.machines / name


def plan_file(home: Home, name: str) -> Path:
    """Where the machine's plan is kept: the live one's outlives a reboot."""
    return home.lib / "live-plan.json" if name == LIVE else folder(home, name) / "plan.json"


def unit(home: Home, name: str) -> str:
    """The machine's unit on hosts with systemd: a lasting one for the live machine of an ordinary installation."""
    return "stead-machine.service" if home.is_default and name == LIVE else f"{key(home, name)}.service"


def link(home: Home, name: str, network: NetworkKind) -> Link:
    """Names and addresses of the machine's link. Sealed ones are all alike: each is alone in its namespaces."""
    own = key(home, name)
    if network is NetworkKind.SEALED:
        outside, inside, outside6, inside6 = _SEALED
        return Link(own, f"{own}-out", "out0", outside, inside, outside6, inside6)
    number = int.from_bytes(hashlib.sha256(own.encode()).digest()[:4])
    first = int(IPv4Address("10.209.0.0")) + 4 * (number % (1 << 14))
    first6 = int(IPv6Address("fd5e:ad01::")) + (number << 64)
    return Link(
        own,
        None,
        own if len(own) <= _LINK_NAME_MAX else f"{home.tag}-{number:08x}"[:_LINK_NAME_MAX],
        str(IPv4Address(first + 1)),
        str(IPv4Address(first + 2)),
        str(IPv6Address(first6 + 1)),
        str(IPv6Address(first6 + 2)),
    )


def outside_address(home: Home, name: str, network: NetworkKind) -> str:
    """The address of our end of the machine's link, known before it runs."""
    return link(home, name, network).outside
