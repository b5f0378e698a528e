"""What stands between restic and a place's server in tests: it hangs, refuses, answers badly, or lets everything by."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

#: What a bad server answers: status, and a body in the manner of S3 (REST clients look at the status alone).
Answer = tuple[int, str]
#: Decides over one request by method and path; None: it goes to the real server.
Decide = Callable[[str, str], Answer | None]

_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-authorization"}


def s3_error(status: int, code: str, message: str) -> Answer:
    """An answer as S3 servers word their refusals."""
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return status, body


@dataclass
class HttpProxy:
    """A proxy before one HTTP server; ``decide`` may be changed while it runs. ``seen`` counts its requests."""

    port: int
    decide: Decide
    seen: int = 0


@contextmanager
def http_proxy(target: str, decide: Decide = lambda _method, _path: None) -> Iterator[HttpProxy]:
    """Stand before the HTTP server at ``target`` (``http://127.0.0.1:9000``)."""
    at = urlsplit(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            proxy.seen += 1
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = proxy.decide(self.command, self.path)
            if answer is not None:
                self.reply(answer[0], {"Content-Type": "application/xml"}, answer[1].encode())
                return
            connection = http.client.HTTPConnection(at.hostname or "", at.port or 80, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            connection.request(self.command, self.path, body or None, headers)
            got = connection.getresponse()
            content = got.read()
            kept = {name: value for name, value in got.getheaders() if name.lower() not in _HOP}
            self.reply(got.status, kept, content)
            connection.close()

        def reply(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "date", "server") or self.command == "HEAD":
                    self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(content)))
            elif "content-length" not in {name.lower() for name in headers}:
                self.send_header("Content-Length", "0")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any

        def log_message(self, format: str, *args: object) -> None:
            return

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that was ended in the middle of an answer is what these tests are about."""

    server = Quiet(("127.0.0.1", 0), Handler)
    proxy = HttpProxy(server.server_address[1], decide)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def tcp_proxy(port: int, freeze_after: int) -> Iterator[int]:
    """A port that passes ``freeze_after`` bytes on to ``port`` and then no more, keeping the connections open.

    0: it takes connections and never says a word.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []
    passed = [0]

    def pump(source: socket.socket, target: socket.socket, counted: bool) -> None:
        try:
            while data := source.recv(65536):
                if counted:
                    passed[0] += len(data)
                    if passed[0] > freeze_after:
                        return
                target.sendall(data)
        except OSError:
            return

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            kept.append(client)
            if freeze_after:
                server = socket.create_connection(("127.0.0.1", port))
                kept.append(server)
                for one, other, counted in ((client, server, True), (server, client, False)):
                    threading.Thread(target=pump, args=(one, other, counted), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        for one in (listener, *kept):
            one.close()


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port of loopback that nobody listens on, nor can while the context lasts: whoever connects is refused."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])
