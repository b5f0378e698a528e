"""A small WebDAV client for the reader: every answer bounded, redirects only within one house of servers."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPDigestAuth
from urllib3.exceptions import HTTPError

from stead.exchange.letters import Broken

DAV, CAL, CARD = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{urn:ietf:params:xml:ns:carddav}"
_NAMES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:a="urn:ietf:params:xml:ns:carddav"'
_TIMEOUT = 120.0
_LONGEST = 256 << 20
_REDIRECTS = 5
#: Up to so many bytes of a content; none at its end.
Read = Callable[[int], bytes]


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
        """The address inside a property, as it was said: see :meth:`Dav.enter`."""
        found = self.properties.get(name)
        inner = found.find(f"{DAV}href") if found is not None else None
        return (inner.text or "").strip() if inner is not None else None


class Dav:
    """An account's host, over kept connections. Paths are those of the host that was entered last."""

    def __init__(self, account: dict[str, Any], trust: ssl.SSLContext) -> None:
        self._account = account
        port = f":{account['port']}" if account["port"] else ""
        self._base = f"{'https' if account['secure'] else 'http'}://{_bracketed(account['host'])}{port}"
        self._session = requests.Session()
        # Neither a proxy nor a netrc of this computer has a say.
        self._session.trust_env = False
        self._session.mount("https://", _Trusting(trust))
        self._session.headers["User-Agent"] = "stead-import"
        # As bytes: requests would turn text into Latin-1.
        self._session.auth = (account["user"].encode(), account["password"].encode())

    def properties(self, path: str, names: str, *, depth: int) -> list[Resource]:
        """PROPFIND of the properties ``names`` (as XML, prefixes d, c, a)."""
        body = f'<?xml version="1.0"?><d:propfind {_NAMES}><d:prop>{names}</d:prop></d:propfind>'
        return self._multistatus("PROPFIND", path, body, depth)

    def report(self, path: str, body: str) -> list[Resource]:
        """A REPORT; ``body`` is its element with prefixes d, c, a and ``{names}`` for their declaration."""
        return self._multistatus("REPORT", path, '<?xml version="1.0"?>' + body.replace("{names}", _NAMES), 1)

    @contextmanager
    def get(self, path: str) -> Iterator[Read]:
        """The content of a resource, to be read piece by piece."""
        with self._ask("GET", path, None, {}) as answer:
            if answer.status_code != 200:
                raise Broken(f"the server answered with {answer.status_code}")
            yield partial(_read, answer)

    def enter(self, href: str) -> str:
        """The path of an address that the server named; if it is one of its sisters, that one is asked from now on.

        Broken when it is a stranger: the password is not for it.
        """
        now, there = urlsplit(self._base), urlsplit(urljoin(self._base, href))
        own, other = now.hostname or "", there.hostname or ""
        if other != own and not (now.scheme == there.scheme == "https" and _sisters(own, other)):
            raise Broken(f"{own} sends us to {other}: name that server itself")
        if now.scheme == "https" != there.scheme:
            raise Broken(f"{own} sends us to an address without TLS")
        if other != own or (there.scheme, there.port) != (now.scheme, now.port):
            self._base = f"{there.scheme}://{there.netloc.rpartition('@')[2]}"
        return there.path + (f"?{there.query}" if there.query else "")

    def _multistatus(self, method: str, path: str, body: str, depth: int) -> list[Resource]:
        headers = {"Depth": str(depth), "Content-Type": "application/xml; charset=utf-8"}
        with self._ask(method, path, body.encode(), headers) as answer:
            content = _read(answer, _LONGEST + 1)
        if answer.status_code != 207:
            raise Broken(f"{path} was answered with {answer.status_code}")
        if len(content) > _LONGEST or b"<!ENTITY" in content or b"<!DOCTYPE" in content:
            raise Broken(f"the answer about {path} is not one we read")
        try:
            return list(_resources(ElementTree.fromstring(content)))
        except ElementTree.ParseError as wrong:
            raise Broken(f"the answer about {path} is no XML: {wrong}") from None

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> requests.Response:
        for _ in range(_REDIRECTS):
            answer = self._send(method, path, body, headers)
            if answer.status_code == 401 and self._may_digest(answer):
                answer = self._send(method, path, body, headers)
            if answer.status_code == 401:
                raise Broken(f"{self._account['host']} does not let {self._account['user']} in: wrong name or password")
            where = answer.headers.get("Location")
            if answer.status_code not in (301, 302, 307, 308) or not where:
                return answer
            answer.close()
            path = self.enter(urljoin(path, where))
        raise Broken(f"{path} is redirected again and again")

    def _may_digest(self, answer: requests.Response) -> bool:
        """Whether the server wants a digest of the password (RFC 7616) and did not get one yet."""
        asked = answer.headers.get("WWW-Authenticate", "").lower()
        if "digest" not in asked or isinstance(self._session.auth, HTTPDigestAuth):
            return False
        answer.close()
        self._session.auth = HTTPDigestAuth(self._account["user"], self._account["password"])
        return True

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> requests.Response:
        for last in (False, True):
            try:
                return self._session.request(
                    method, self._base + path, data=body, headers=headers,
                    allow_redirects=False, stream=True, timeout=_TIMEOUT,
                )  # fmt: skip
            except requests.exceptions.SSLError as wrong:
                raise Broken(f"{self._account['host']} is not who it should be, or speaks no TLS: {wrong}") from None
            except requests.RequestException as wrong:
                # A kept connection may have been closed meanwhile: once more on a new one.
                if last:
                    raise Broken(f"{self._account['host']} cannot be reached: {_cause(wrong)}") from None
        raise AssertionError


class _Trusting(HTTPAdapter):
    """TLS as this process was told to trust, and no other authorities."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        self._trust = trust
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """The pool of connections, with our trust."""
        super().init_poolmanager(*args, **options, ssl_context=self._trust)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing to be added to our trust."""
        conn.cert_reqs = "CERT_REQUIRED"


def _read(answer: requests.Response, size: int) -> bytes:
    try:
        return bytes(answer.raw.read(size, decode_content=True))
    except (HTTPError, OSError) as wrong:
        raise Broken(f"the connection ended in the midst of it: {type(wrong).__name__}") from None


def _sisters(one: str, other: str) -> bool:
    """Whether two hosts are of one house: iCloud, for one, sends each account to a server of its own."""
    parent = one.partition(".")[2]
    return "." in parent and other.endswith(f".{parent}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _cause(wrong: BaseException) -> str:
    """What the deepest exception says: requests wraps them several times."""
    while deeper := wrong.__cause__ or wrong.__context__:
        wrong = deeper
    return getattr(wrong, "strerror", None) or str(wrong)


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
