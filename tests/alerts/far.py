"""The far ends of alarms on loopback, all real servers: a web hook, mail servers, a name server, a watcher outside."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    """Serve in a thread; the port it listens on."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]  # type: ignore[misc,index]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Hook:
    """Takes JSON posts as Apprise's ``json://`` sends them; answers ``status``, after ``wait`` seconds."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.status, self.wait, self.port, self.calls = 200, 0.0, 0, 0
        self.address = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"json://user:geheimwort@{self.address}:{self.port}/secret-path"

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.got]


@contextmanager
def hook(address: str = "127.0.0.1") -> Iterator[Hook]:
    taken = Hook()
    taken.address = address

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.calls += 1
            time.sleep(taken.wait)
            if taken.status == 200:
                taken.got.append(json.loads(body))
            self.send_response(taken.status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(ThreadingHTTPServer((address, 0), Handler)) as taken.port:
        yield taken


class MailServer:
    """What a mail server took, and how it behaves: ``greeting``, ``rcpt`` (its answer to a recipient), ``tls``."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        self.envelopes: list[tuple[str, str]] = []
        self.greeting, self.rcpt, self.drip = b"220 far ESMTP", b"250 ok", 0.0
        self.tls: ssl.SSLContext | None = None
        self.encrypted: list[bool] = []
        self.breaks_tls = False
        self.connections = 0


@contextmanager
def mail_server(address: str, port: int) -> Iterator[MailServer]:
    far = MailServer()

    class Session(socketserver.StreamRequestHandler):
        timeout = 30

        def say(self, line: bytes) -> None:
            for byte in line + b"\r\n" if far.drip else ():
                time.sleep(far.drip)
                self.wfile.write(bytes([byte]))
            if not far.drip:
                self.wfile.write(line + b"\r\n")

        def handle(self) -> None:
            try:
                self.talk()
            except OSError:
                pass

        def talk(self) -> None:
            far.connections += 1
            self.say(far.greeting)
            sender = recipient = ""
            while line := self.rfile.readline(2000):
                verb = line.strip().upper()
                if verb.startswith(b"EHLO"):
                    self.say(b"250-far" if far.tls else b"250 far")
                    if far.tls:
                        self.say(b"250 STARTTLS")
                elif verb == b"STARTTLS" and far.tls:
                    self.say(b"220 go")
                    if far.breaks_tls:
                        self.wfile.write(b"no handshake here\r\n")
                        return
                    self.request = far.tls.wrap_socket(self.request, server_side=True)
                    self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)
                elif verb.startswith(b"MAIL"):
                    sender = line.decode().partition("<")[2].partition(">")[0]
                    self.say(b"250 ok")
                elif verb.startswith(b"RCPT"):
                    recipient = line.decode().partition("<")[2].partition(">")[0]
                    self.say(far.rcpt)
                elif verb == b"DATA":
                    self.say(b"354 go")
                    lines = list(iter(self.rfile.readline, b".\r\n"))
                    far.got.append(message_from_bytes(b"".join(lines), policy=policy.default))
                    far.envelopes.append((sender, recipient))
                    far.encrypted.append(isinstance(self.request, ssl.SSLSocket))
                    self.say(b"250 taken")
                elif verb == b"QUIT":
                    self.say(b"221 bye")
                    return
                else:
                    self.say(b"250 ok")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with serving(Server((address, port), Session)):
        yield far


@contextmanager
def names(records: Mapping[tuple[str, str], list[str]]) -> Iterator[int]:
    """A name server that knows these (name, type): values; a name with no record at all does not exist; ``None``
    values make it answer that it failed."""
    known = {name for name, _ in records}

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, sock = self.request
            query = dns.message.from_wire(data)
            question = query.question[0]
            name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.RA
            values = records.get((name, kind), [])
            if "SERVFAIL" in values:
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif values:
                answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *values))
            elif name not in known:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            sock.sendto(answer.to_wire(), self.client_address)

    with serving(socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


class Watcher:
    """Somebody outside, like Healthchecks: alarms when it was told of a failure or was not fed within ``patience``."""

    def __init__(self, patience: float) -> None:
        self.patience, self.fed, self.calls = patience, time.monotonic(), 0
        self.failed, self.status, self.said, self.port = False, 200, "OK", 0
        self.address = "127.0.0.1"
        self.paths: list[str] = []

    @property
    def alarms(self) -> bool:
        return self.failed or time.monotonic() - self.fed > self.patience

    @property
    def url(self) -> str:
        return f"https://{self.address}:{self.port}/ping/0a1b-geheim"

    def wait(self, alarm: bool, limit: float) -> bool:
        until = time.monotonic() + limit
        while self.alarms is not alarm and time.monotonic() < until:
            time.sleep(0.1)
        return self.alarms is alarm


@contextmanager
def watcher(tls: ssl.SSLContext, patience: float, address: str = "127.0.0.1", port: int = 0) -> Iterator[Watcher]:
    outside = Watcher(patience)
    outside.address = address

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            outside.calls += 1
            outside.paths.append(self.path)
            if outside.status == 200:
                outside.failed = self.path.endswith("/fail")
                outside.fed = time.monotonic()
            self.send_response(outside.status)
            if outside.status == 302:
                self.send_header("Location", "https://127.0.0.1/elsewhere")
            self.end_headers()
            self.wfile.write(outside.said.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((address, port), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    with serving(server) as outside.port:
        yield outside


def certificate(folder: Path, *addresses: str) -> tuple[Path, ssl.SSLContext]:
    """A certificate for addresses, its own authority: the file to trust, and what a server needs."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "far")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(a)) for a in addresses]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "far.pem", folder / "far.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return pem, context


def free_port(*addresses: str) -> int:
    """A TCP port that is free at all these addresses."""
    while True:
        with socket.socket() as first:
            first.bind((addresses[0], 0))
            port: int = first.getsockname()[1]
            try:
                for address in addresses[1:]:
                    with socket.socket() as other:
                        other.bind((address, port))
            except OSError:
                continue
        return port
