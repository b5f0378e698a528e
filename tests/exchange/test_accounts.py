"""Accounts at other people's servers: connections that break, digests, hosts of one house, single things refused."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server
from wsgidav.wsgidav_app import WsgiDAVApp

from stead.exchange import imap_reading
from stead.exchange.dav import Dav
from stead.exchange.importing import Wanted, bring_in
from stead.exchange.letters import Broken
from stead.exchange.naming import account
from stead.words.progress import Silent
from tests.exchange import looking
from tests.exchange.things import letter
from tests.rig.server import Server

Person = Callable[[], str]


class Cutting:
    """A way to a server that breaks after so many bytes came back, as often as ``lengths`` says; then it holds."""

    def __init__(self, port: int, lengths: list[int]) -> None:
        self._port, self._lengths = port, lengths
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.used = 0
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.used += 1
            left = self._lengths.pop(0) if self._lengths else 1 << 60
            far = socket.create_connection(("127.0.0.1", self._port))
            threading.Thread(target=self._pass, args=(near, far, 1 << 60), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, left), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, left: int) -> None:
        try:
            while left > 0 and (piece := source.recv(1 << 14)):
                target.sendall(piece[:left])
                left -= len(piece)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def close(self) -> None:
        self._listener.close()


def long_letter(number: int) -> bytes:
    return letter(number, body="words and words\n" * 70)


def test_a_connection_that_breaks_again_and_again_costs_nothing(
    house: Server, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, other = person(), person()
    monkeypatch.setenv("SSL_CERT_FILE", str(house.ca))
    with house.imap(name) as connection:
        for number in range(160):
            folder = "INBOX" if number % 2 else "Archive"
            connection.append(folder, None, None, long_letter(number).replace(b"\n", b"\r\n"))
    # First in the middle of a folder, then after one was brought.
    way = Cutting(house.endpoint("imaps").port, [60_000, 160_000])
    try:
        wanted = {**account(f"imaps://{name}@localhost:{way.port}", None), "password": house.people[name]}
        report = bring_in(house.home, house.settings, Wanted(other, account=wanted), Silent())
    finally:
        way.close()
    assert way.used == 3
    assert report.added_by.total() == 160 and report.known_by.total() == 0 and not report.missing
    assert sorted(seen.content for seen in looking.mail(house, other)) == sorted(map(long_letter, range(160)))


def test_one_that_never_holds_is_given_up(house: Server, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    name = person()
    with house.imap(name) as connection:
        connection.append("INBOX", None, None, letter(1, body="x" * 70 + "\n") * 400)
    monkeypatch.setattr(imap_reading, "_WAITS", (0.01, 0.01, 0.01))
    # Enough to log in and look around, not enough for the letter.
    way = Cutting(house.endpoint("imaps").port, [20_000] * 20)
    wanted = {**account(f"imaps://{name}@localhost:{way.port}", None), "password": house.people[name], "marks": {}}
    try:
        with pytest.raises(Broken, match="was lost again and again"):
            imap_reading.read(wanted, house.tls(), _Deaf())  # type: ignore[arg-type]
    finally:
        way.close()
    assert way.used == 4


class _Deaf:
    into = ""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def _disk(folder: Path, digest: bool, refuse: str = "") -> Any:
    """WsgiDAV, as others run it; what is named ``refuse`` is not given out."""
    served = WsgiDAVApp(
        {
            "provider_mapping": {"/dav": str(folder)},
            "simple_dc": {"user_mapping": {"*": {"jürgen": {"password": "päss word"}}}},
            "http_authenticator": {
                "accept_basic": not digest,
                "accept_digest": digest,
                "default_to_digest": digest,
            },
            "verbose": 0,
            "logging": {"enable": False},
        }
    )

    def app(environ: dict[str, Any], start: Any) -> Any:
        if refuse and environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"].endswith(refuse):
            start("403 Forbidden", [("Content-Length", "0")])
            return [b""]
        return served(environ, start)

    return app


@contextmanager
def _running(app: Any, context: ssl.SSLContext | None = None) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.mark.parametrize("digest", [True, False])
def test_files_of_a_server_that_asks_for_the_password_in_its_own_way(
    house: Server, person: Person, tmp_path: Path, digest: bool
) -> None:
    other, disk = person(), tmp_path / "disk"
    (disk / "Fotos/2024").mkdir(parents=True)
    (disk / "Fotos/2024/Straße & Co.jpg").write_bytes(b"\xff\xd8" * 4000)
    (disk / "Fotos/secret.txt").write_text("not for you")
    (disk / "empty").write_bytes(b"")
    with _running(_disk(disk, digest, "secret.txt")) as port:
        wanted = {**account(f"webdav://j%C3%BCrgen@localhost:{port}/dav/", None), "password": "päss word"}
        report = bring_in(house.home, house.settings, Wanted(other, account=wanted), Silent())
        assert report.added_by.total() == 2 and report.missing == 1
        kept = house.home.data / "files/home" / other
        assert (kept / "Fotos/2024/Straße & Co.jpg").read_bytes() == b"\xff\xd8" * 4000
        assert (kept / "empty").read_bytes() == b"" and not (kept / "Fotos/secret.txt").exists()
        with pytest.raises(Exception, match="does not let"):
            wrong = {**wanted, "password": "another"}
            bring_in(house.home, house.settings, Wanted(other, account=wrong), Silent())


def test_the_password_goes_to_hosts_of_the_same_house_only() -> None:
    said = {"host": "caldav.icloud.com", "port": None, "secure": True, "user": "me", "password": "x", "path": "/"}
    link = Dav(said, ssl.create_default_context())
    assert link.enter("/123/principal/") == "/123/principal/"
    assert link.enter("https://p34-caldav.icloud.com:443/123/calendars/?a=b") == "/123/calendars/?a=b"
    assert link.enter("https://p07-caldav.icloud.com/1/") == "/1/"
    for stranger in ("https://icloud.com.evil.example/", "https://evil.example/", "https://com/", "//evilicloud.com/"):
        with pytest.raises(Broken, match="name that server itself"):
            link.enter(stranger)
    with pytest.raises(Broken):
        link.enter("http://p07-caldav.icloud.com/1/")
    plain = Dav({**said, "host": "localhost", "port": 8080, "secure": False}, ssl.create_default_context())
    assert plain.enter("http://localhost:8080/x") == "/x"
    with pytest.raises(Broken, match="name that server itself"):
        plain.enter("http://elsewhere.localhost:8080/x")
