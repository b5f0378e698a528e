"""What the server's certificate is for, and what is trusted because of it."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from pathlib import Path

from stead.words.errors import SteadError
from stead.words.home import Home

#: How the issuer's common name of our own certificates begins.
ISSUER = "Stead authority"

_SYSTEM_TRUST = Path("/etc/ssl/certs/ca-certificates.crt")


def names_for(domain: str, hostname: str) -> tuple[str, ...]:
    """All names the server is called by, the main one first."""
    below = (f"{label}.{domain}" for label in ("www", "autoconfig", "mail", "mta-sts"))
    return tuple(dict.fromkeys((hostname, domain, *below, "localhost", "127.0.0.1", "::1")))


def ca_file(home: Home) -> Path:
    """The authority's certificate, for clients to trust."""
    return home.lib / "ca.pem"


def trusted(home: Home, *, public: bool) -> str:
    """What a probe of this home's machines trusts: our authority, and in public mode the system's authorities, too."""
    own = ca_file(home).read_text()
    if not public:
        return own
    try:
        return own + _SYSTEM_TRUST.read_text()
    except FileNotFoundError:
        raise SteadError(
            f"{_SYSTEM_TRUST} is missing on this computer", hint="apt-get install --reinstall ca-certificates"
        ) from None


def ensure_certificate(home: Home, data_root: Path, names: tuple[str, ...], now: datetime) -> bool:
    """Make or renew what is missing or soon over: authority and certificate. Whether the certificate changed.

    ``data_root``'s ``tls/server.pem`` holds certificate and key in one file, readable by the machine's root and group
    tls. Call it before each boot and once a day; the machine takes up a new one by itself.
    """
    # By name: a cryptography library takes long to load, and few commands need it.
    return bool(import_module("stead.services.tls.renewal").renew(home, data_root, names, now))
