"""The ways alarms go out: one for each address in the settings, named without its secrets."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

#: An address and nothing else (RFC 6068): mail goes straight to the servers of its domain.
_DIRECT = re.compile(r"mailto:(?://)?([^\s@/:?]+@[^\s@/:?]+)/?")
#: A name as servers have it. Many services carry a secret where others have a host, so the rest is never shown.
_HOST = re.compile(r"(?=.{1,80}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}|localhost")
#: Apprise's ways that end on this computer's own screen or log.
_LOCAL = frozenset({"dbus", "glib", "gnome", "kde", "macosx", "qt", "windows"})


@dataclass(frozen=True)
class Way:
    """One way. ``name`` may be shown and stored; ``url`` may not. ``address``: mail goes to its domain directly."""

    name: str
    url: str = field(repr=False)
    address: str | None = field(default=None, repr=False)


def ways_of(urls: Iterable[str]) -> tuple[Way, ...]:
    """The ways of the addresses; a name that comes twice gets a number."""
    found: dict[str, Way] = {}
    for url in urls:
        direct = _DIRECT.fullmatch(url)
        plain = f"mailto:{direct[1].rpartition('@')[2].lower()}" if direct else _name(url)
        name, number = plain, 1
        while name in found:
            number += 1
            name = f"{plain} ({number})"
        found[name] = Way(name, url, direct[1] if direct else None)
    return tuple(found.values())


def uses_this_server(way: Way, domain: str) -> bool:
    """Whether a message on this way can only be read with the help of this server: its own domain's mail and web, or
    this computer itself."""
    scheme = way.url.partition(":")[0]
    return scheme in _LOCAL or any(_is_ours(host, domain) for host in _hosts(way))


def secrets_of(url: str) -> list[str]:
    """Every part of an address that must not be shown, longest first: all but the scheme and a host's name."""
    parts = re.split(r"[/:@?&=#,]+", url)[1:]
    shown = _shown_host(url)
    found = {part for raw in parts for part in (raw, unquote(raw)) if len(part) > 3 and part != shown}
    return sorted(found, key=len, reverse=True)


def _name(url: str) -> str:
    return f"{url.partition(':')[0]}://{_shown_host(url) or ''}".removesuffix("://")


def _shown_host(url: str) -> str | None:
    try:
        host = urlsplit(url).hostname or ""
        raw = urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return None
    if raw.startswith(host) and _HOST.fullmatch(host):
        return host
    return host if _address(host) else None


def _hosts(way: Way) -> set[str]:
    if way.address:
        return {way.address.rpartition("@")[2].lower()}
    try:
        parts = urlsplit(way.url)
        query = parse_qs(parts.query)
        hosts = {parts.hostname or ""}
    except ValueError:
        return set()
    if parts.scheme in ("mailto", "mailtos"):
        to = [one for name in ("to", "cc", "bcc") for text in query.get(name, []) for one in text.split(",")]
        hosts |= {one.rpartition("@")[2].strip().lower() for one in to}
        hosts |= {text.lower() for text in query.get("smtp", [])}
    return hosts


def _is_ours(host: str, domain: str) -> bool:
    address = _address(host)
    if address is not None:
        return address.is_loopback
    names = (domain, "localhost", socket.gethostname().lower())
    return bool(host) and any(host == name or host.endswith(f".{name}") for name in names)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
