"""A small WebDAV client for the reader: requests to one host, every answer bounded, redirects only within that host."""

from __future__ import annotations

import base64
import http.client
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree

from stead.exchange.letters import Broken

DAV, CAL, CARD = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{urn:ietf:params:xml:ns:carddav}"
_NAMES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:a="urn:ietf:params:xml:ns:carddav"'
_TIMEOUT = 120.0
_LONGEST = 256 << 20
_REDIRECTS = 5


@dataclass
class Resource:
    """One answer of a multistatus: where, and its properties that were found."""

    path: str
    properties: dict[str, ElementTree.Element] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A property's text, empty when there is none."""
        found = self.properties.get(name)
        return (found.text or "").strip() if found is not None else ""

    def has_type(self, name: str) -> bool:
        """Whether the resource is of this type."""
        found = self.properties.get(f"{DAV}resourcetype")
        return found is not None and found.find(name) is not None

    def href(self, name: str) -> str | None:
        """The address inside a property."""
        found = self.properties.get(name)
        inner = found.find(f"{DAV}href") if found is not None else None
        return urlsplit((inner.text or "").strip()).path if inner is not None else None


class Dav:
    """A kept connection to an account's host."""

    def __init__(self, account: dict[str, Any], trust: ssl.SSLContext) -> None:
        self._account = account
        self._trust = trust
        self._link = self._connect()
        words = f"{account['user']}:{account['password']}".encode()
        self._login = "Basic " + base64.b64encode(words).decode()

    def properties(self, path: str, names: str, *, depth: int) -> list[Resource]:
        """PROPFIND of the properties ``names`` (as XML, prefixes d, c, a)."""
        body = f'<?xml version="1.0"?><d:propfind {_NAMES}><d:prop>{names}</d:prop></d:propfind>'
        return self._multistatus("PROPFIND", path, body, depth)

    def report(self, path: str, body: str) -> list[Resource]:
        """A REPORT; ``body`` is its element with prefixes d, c, a and ``{names}`` for their declaration."""
        return self._multistatus("REPORT", path, '<?xml version="1.0"?>' + body.replace("{names}", _NAMES), 1)

    def get(self, path: str) -> http.client.HTTPResponse:
        """The content of a resource, to be read to its end."""
        answer = self._ask("GET", path, None, {})
        if answer.status != 200:
            answer.read()
            raise Broken(f"the server answered with {answer.status}")
        return answer

    def _multistatus(self, method: str, path: str, body: str, depth: int) -> list[Resource]:
        headers = {"Depth": str(depth), "Content-Type": "application/xml; charset=utf-8"}
        answer = self._ask(method, path, body.encode(), headers)
        content = answer.read(_LONGEST + 1)
        if answer.status != 207:
            raise Broken(f"{path} was answered with {answer.status}")
        if len(content) > _LONGEST or b"<!ENTITY" in content or b"<!DOCTYPE" in content:
            raise Broken(f"the answer about {path} is not one we read")
        try:
            return list(_resources(ElementTree.fromstring(content)))
        except ElementTree.ParseError as wrong:
            raise Broken(f"the answer about {path} is no XML: {wrong}") from None

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        for _ in range(_REDIRECTS):
            answer = self._send(method, path, body, headers)
            if answer.status == 401:
                raise Broken(f"{self._account['host']} does not let {self._account['user']} in: wrong name or password")
            where = answer.getheader("Location")
            if answer.status not in (301, 302, 307, 308) or not where:
                return answer
            answer.read()
            found = urlsplit(urljoin(path, where))
            if found.hostname not in (None, self._account["host"]):
                raise Broken(f"{self._account['host']} sends us to {found.hostname}: name that server itself")
            path = found.path
        raise Broken(f"{path} is redirected again and again")

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        fields = {"Authorization": self._login, "User-Agent": "stead-import", **headers}
        try:
            self._link.request(method, path, body, fields)
            return self._link.getresponse()
        except (http.client.HTTPException, ConnectionError, TimeoutError):
            # A kept connection may have been closed meanwhile: once more on a new one.
            self._link.close()
            self._link = self._connect()
        try:
            self._link.request(method, path, body, fields)
            return self._link.getresponse()
        except http.client.HTTPException as wrong:
            raise Broken(f"{self._account['host']} does not speak HTTP: {type(wrong).__name__}") from None

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._account["host"], self._account["port"]
        if self._account["secure"]:
            return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT, context=self._trust)
        return http.client.HTTPConnection(host, port, timeout=_TIMEOUT)


def _resources(root: ElementTree.Element) -> Iterator[Resource]:
    for response in root.iter(f"{DAV}response"):
        href = response.findtext(f"{DAV}href") or ""
        found = Resource(urlsplit(href.strip()).path)
        for part in response.iter(f"{DAV}propstat"):
            if " 200 " in f" {part.findtext(f'{DAV}status') or ''} ":
                for prop in part.iter(f"{DAV}prop"):
                    found.properties.update({child.tag: child for child in prop})
        yield found


def same(one: str, other: str) -> bool:
    """Whether two addresses are one resource, however they are written."""
    return unquote(one).rstrip("/") == unquote(other).rstrip("/")
