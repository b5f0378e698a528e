"""A WebDAV client that says exactly what it is told, also what no decent client would say."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
from dataclasses import dataclass, field

from tests.rig.server import Server


@dataclass
class Answer:
    """A server's answer."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


class Client:
    """Speaks for one account; every request on a connection of its own."""

    def __init__(self, server: Server, name: str, login: str | None = None) -> None:
        self._server = server
        given = f"{login or name}:{server.people[name]}"
        self.authorization = "Basic " + base64.b64encode(given.encode()).decode()
        self.base = f"/files/{name}/"

    @property
    def host(self) -> str:
        """What the Host header says."""
        return f"localhost:{self._server.endpoint('https').port}"

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | str = b"",
        headers: dict[str, str] | None = None,
        *,
        auth: bool = True,
    ) -> Answer:
        """One request; ``path`` is sent as it is. An ``http.client`` that checks paths is not used for that reason."""
        content = body.encode() if isinstance(body, str) else body
        lines = {"Host": self.host, "Content-Length": str(len(content)), "Connection": "close"} | (headers or {})
        if auth:
            lines["Authorization"] = self.authorization
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in lines.items()) + "\r\n"
        with self.connect() as connection:
            connection.sendall(head.encode() + content)
            answer = http.client.HTTPResponse(connection, method=method)
            answer.begin()
            told: dict[str, str] = {}
            for key, value in answer.getheaders():
                told[key.lower()] = f"{told[key.lower()]}, {value}" if key.lower() in told else value
            return Answer(answer.status, told, answer.read())

    def connect(self) -> ssl.SSLSocket:
        """A bare connection."""
        at = self._server.endpoint("https")
        plain = socket.create_connection((at.host, at.port), timeout=60)
        return self._server.tls().wrap_socket(plain, server_hostname="localhost")
