"""A small HTTPS client for probes and markers: one request at a machine's published address, everything bounded.

It connects to the endpoint's address but expects the certificate of ``Target.hostname``, as a user's client would. It
follows no redirects, keeps no cookies and trusts no proxy settings.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from stead.words.probe import Endpoint, ProbeFailure, Target, Unprovable

#: No probe needs a longer answer; a hostile machine cannot make us read more.
BODY_LIMIT = 8 * 1024 * 1024
_PIECE = 65536


@dataclass(frozen=True)
class Response:
    """An answer, read whole. Header names are lower case; of a repeated header the values are joined by a comma."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are shown as replacement characters."""
        return self.body.decode("utf-8", "replace")


class Client:
    """One kept connection to a machine; used inside :func:`connected`."""

    def __init__(self, target: Target, connection: http.client.HTTPConnection, deadline: float) -> None:
        self._target = target
        self._connection = connection
        self._deadline = deadline

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        auth: bool = True,
        limit: int = BODY_LIMIT,
    ) -> Response:
        """Send one request and read its answer; ``auth`` logs in as the watch account.

        Raises OSError when the machine cannot be reached in time, :class:`ProbeFailure` when it does not speak HTTP or
        answers with more than ``limit`` bytes.
        """
        fields = {"Host": self._target.hostname, "User-Agent": "stead-probe", **(headers or {})}
        if auth:
            fields["Authorization"] = basic(self._target)
        try:
            self._connection.request(method, path, body=body or None, headers=fields)
            answer = self._connection.getresponse()
            try:
                content = self._read(answer, limit)
            finally:
                answer.close()
        except http.client.HTTPException as broken:
            raise ProbeFailure(f"{method} {path}: not an HTTP answer ({type(broken).__name__})") from broken
        named: dict[str, str] = {}
        for name, value in answer.getheaders():
            key = name.lower()
            named[key] = f"{named[key]}, {value}" if key in named else value
        return Response(answer.status, named, content)

    def expect(self, statuses: tuple[int, ...], method: str, path: str, **options: Any) -> Response:
        """Like :meth:`request`, but any status not in ``statuses`` is a :class:`ProbeFailure` that names it."""
        response = self.request(method, path, **options)
        if response.status not in statuses:
            raise ProbeFailure(f"{method} {path} was answered with {response.status}")
        return response

    def _read(self, answer: http.client.HTTPResponse, limit: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while piece := answer.read1(_PIECE):
            size += len(piece)
            if size > limit:
                raise ProbeFailure(f"the answer is longer than {limit} bytes")
            if monotonic() > self._deadline:
                raise TimeoutError("the answer took too long")
            pieces.append(piece)
        return b"".join(pieces)


@contextmanager
def connected(target: Target, *, endpoint: str = "https") -> Iterator[Client]:
    """A connection to one published endpoint (``https`` or plain ``http``) for several requests."""
    if endpoint not in target.endpoints:
        raise Unprovable(f"no {endpoint} endpoint is published")
    connection = _Connection(target, target.endpoints[endpoint], tls=endpoint != "http")
    try:
        yield Client(target, connection, monotonic() + 2 * target.timeout)
    finally:
        connection.close()


def request(
    target: Target,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    auth: bool = True,
    endpoint: str = "https",
    limit: int = BODY_LIMIT,
) -> Response:
    """One request on a connection of its own; see :meth:`Client.request`."""
    with connected(target, endpoint=endpoint) as client:
        return client.request(method, path, body=body, headers=headers, auth=auth, limit=limit)


def basic(target: Target) -> str:
    """The Authorization header's value for the watch account."""
    return "Basic " + base64.b64encode(f"{target.account}:{target.password}".encode()).decode()


class _Connection(http.client.HTTPConnection):
    """Connects to an endpoint's address while asking TLS for the machine's name."""

    def __init__(self, target: Target, endpoint: Endpoint, *, tls: bool) -> None:
        super().__init__(endpoint.host, endpoint.port, timeout=target.timeout)
        self._name = target.hostname
        self._tls = ssl.create_default_context(cadata=target.ca_pem) if tls else None

    def connect(self) -> None:
        self.sock = socket.create_connection((self.host, self.port), self.timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)
