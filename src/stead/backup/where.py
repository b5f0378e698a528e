"""Is a place at another site? Measured by its address: what this computer reaches without a gateway is beside it."""

from __future__ import annotations

import ipaddress
import json
import re
import socket

from stead.backup.place import Kind, Place, split_url
from stead.run import CommandError, run

#: Kinds whose servers are always a provider's.
_PROVIDERS = ("b2", "azure", "gs")
_SFTP = re.compile(r"sftp:(?://)?(?:[^@/]*@)?(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:/]+))(?::(?P<port>\d+)(?=/))?")
_HTTP = re.compile(r"(?:rest|s3):(?:https?:)?(?://)?(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:/]+))")


def offsite(place: Place) -> bool | None:
    """Whether the place is at another site than this computer; None: that cannot be found out from here.

    A private address behind a gateway may be the next room or another town (a VPN), so nothing is known of it.
    """
    if place.kind is Kind.FOLDER:
        return False
    if place.url.partition(":")[0] in _PROVIDERS:
        return True
    host = host_of(place)
    if host is None:
        return None
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return None
    answers = {_elsewhere(address) for address in found}
    return False if False in answers else None if None in answers or not answers else True


def host_of(place: Place) -> str | None:
    """The server's name or address; of SFTP as ssh's own configuration spells it out."""
    address = split_url(place.url)[0]
    match = (_SFTP if place.kind is Kind.SFTP else _HTTP).match(address)
    if match is None:
        return None
    host = match["six"] or match["host"]
    if place.kind is not Kind.SFTP or host.startswith("-"):
        return host
    try:
        lines = run(["ssh", "-G", host], timeout=10).out.splitlines()
    except CommandError:
        return host
    return next((line.partition(" ")[2] for line in lines if line.startswith("hostname ")), host)


def port_of(place: Place) -> int:
    """The port of an SFTP place's server."""
    match = _SFTP.match(split_url(place.url)[0])
    return int(match["port"]) if match and match["port"] else 22


def _elsewhere(address: str) -> bool | None:
    if ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        return False
    try:
        route = json.loads(run(["ip", "-json", "route", "get", address], timeout=10).out)[0]
    except (CommandError, ValueError, IndexError):
        return None
    if "gateway" not in route and "via" not in route:
        return False
    return True if ipaddress.ip_address(address).is_global else None
