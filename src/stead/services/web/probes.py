"""Probes and markers of the web page, seen from outside."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta

from stead.probes import dav
from stead.probes.http import connected, request
from stead.services.tls import ISSUER
from stead.services.web.inventory import WATCH_FOLDER
from stead.words.declaration import MarkerKind
from stead.words.probe import Probe, ProbeFailure, Target, Unprovable

#: A certificate with less than this left should have been renewed long ago.
_ENOUGH = timedelta(days=14)


def _page_shown(target: Target) -> str:
    page = request(target, "GET", "/", auth=False)
    if page.status != 200 or not page.body:
        raise ProbeFailure(f"the page was answered with {page.status} and {len(page.body)} bytes")
    if page.headers.get("x-content-type-options") != "nosniff":
        raise ProbeFailure("the page comes without its security headers")
    plain = request(target, "GET", "/", auth=False, endpoint="http")
    place = plain.headers.get("location", "")
    if plain.status not in (301, 308) or not place.startswith("https://"):
        raise ProbeFailure(f"plain HTTP is not led to HTTPS but answered with {plain.status}")
    return f"the page has {len(page.body)} bytes; plain HTTP is led to HTTPS"


def _certificate_valid(target: Target) -> str:
    if "https" not in target.endpoints:
        raise Unprovable("no https endpoint is published")
    place = target.endpoints["https"]
    context = ssl.create_default_context(cadata=target.ca_pem)
    try:
        with (
            socket.create_connection((place.host, place.port), target.timeout) as raw,
            context.wrap_socket(raw, server_hostname=target.hostname) as secure,
        ):
            found = secure.getpeercert() or {}
    except ssl.SSLCertVerificationError as refused:
        raise ProbeFailure(f"the certificate is refused: {refused.verify_message}") from None
    left = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), UTC) - datetime.now(UTC)
    if left < _ENOUGH:
        raise ProbeFailure(f"the certificate ends in {left.days} days and was not renewed")
    issuer = _common_name(found.get("issuer", ()))
    if issuer.startswith(ISSUER) and not target.domain.endswith(".test"):
        raise ProbeFailure("no public authority has given a certificate yet: browsers and other mail servers warn")
    return f"valid for {target.hostname}, {left.days} days left, given by {issuer or 'an authority without a name'}"


def _common_name(name: object) -> str:
    """The last of a distinguished name's values, as :mod:`ssl` gives it: a tuple of tuples of pairs."""
    parts = [str(value) for group in (name if isinstance(name, tuple) else ()) for _key, value in group]
    return parts[-1] if parts else ""


def _settings_found(target: Target) -> str:
    for path in ("/.well-known/autoconfig/mail/config-v1.1.xml", "/mail/config-v1.1.xml"):
        answer = request(target, "GET", path, auth=False, limit=65536)
        if answer.status != 200 or f"<hostname>{target.hostname}</hostname>" not in answer.text:
            raise ProbeFailure(f"{path} does not lead mail programs here (answer {answer.status})")
    return "mail programs find their settings by the address alone"


def _write_marker(target: Target, when: datetime) -> None:
    with connected(target) as client:
        place = dav.path(WATCH_FOLDER, dav.marker_name(when, "txt"))
        # The folder is missing the first time, and whenever an owner has emptied the page's folder.
        if client.request("PUT", place, body=b"marker\n").status not in (201, 204):
            client.expect((201, 405), "MKCOL", WATCH_FOLDER)
            client.expect((201, 204), "PUT", place, body=b"marker\n")
        dav.sweep(client, WATCH_FOLDER, when)


def _newest_marker(target: Target) -> datetime | None:
    with connected(target) as client:
        return dav.newest(dav.names(client, WATCH_FOLDER))


PROBES = (
    Probe("page shown", "web", _page_shown),
    Probe("certificate valid", "web", _certificate_valid),
    Probe("settings found", "web", _settings_found),
)
MARKER = MarkerKind(_write_marker, _newest_marker)
