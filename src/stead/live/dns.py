"""The DNS records of a public server, for its owner to set."""

from __future__ import annotations

import json
from ipaddress import ip_address

from stead.run import run
from stead.services.identity import DnsRecord, ensure_dkim, records
from stead.settings import Settings
from stead.words.home import Home


def wanted_records(home: Home, settings: Settings) -> tuple[DnsRecord, ...]:
    """What the domain's zone must hold so that mail, clients and browsers find this host."""
    relay_host = settings.mail.relay.host if settings.mail.relay else None
    return records(settings.name, host_addresses(), ensure_dkim(home.data), relay_host)


def host_addresses() -> tuple[str, ...]:
    """The host's own global addresses (behind a router these are not what the world sees; then none may be public)."""
    links = json.loads(run(["ip", "-j", "address", "show", "scope", "global"], timeout=20).out or "[]")
    ours = [info["local"] for link in links if link for info in link.get("addr_info", []) if not _inner(link)]
    return tuple(address for address in ours if not ip_address(address).is_link_local)


def _inner(link: dict[str, object]) -> bool:
    """A link to one of our machines, or to somebody's containers, is no address to be found at."""
    return str(link.get("ifname", "")).startswith(("st", "veth", "docker", "br-", "virbr"))
