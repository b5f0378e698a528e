"""The gate: who it lets through, what it remembers, and what it says when Dovecot is away.

Dovecot itself is in the tests with a machine; here a small server of the same protocol can be made to misbehave.
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
import socket
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stead.services.login.dovecot import Login, Unavailable
from stead.services.login.gate import Gate
from stead.services.login.known import KnownLogin

_HELLO = b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\tx\nDONE\n"


class Answering:
    """Answers every AUTH with ``verdict`` (OK, FAIL, temp, hang up) and counts them."""

    def __init__(self, path: Path) -> None:
        self.path, self.verdict, self.asked = str(path), "OK", 0
        self.requests: list[str] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(self.path)
        self._server.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb", buffering=0) as stream:
            stream.write(_HELLO)
            for line in stream:
                words = line.decode().rstrip("\n").split("\t")
                if words[0] != "AUTH":
                    continue
                self.asked += 1
                self.requests.append(line.decode())
                user = base64.b64decode(words[-1].removeprefix("resp=")).split(b"\0")[1].decode()
                answers = {"OK": f"OK\t{words[1]}\tuser={user}\n", "FAIL": f"FAIL\t{words[1]}\tuser={user}\n"}
                answers["temp"] = f"FAIL\t{words[1]}\tuser={user}\ttemp\n"
                if self.verdict not in answers:
                    return
                stream.write(answers[self.verdict].encode())

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def dovecot(tmp_path: Path) -> Iterator[Answering]:
    server = Answering(tmp_path / "auth")
    yield server
    server.close()


def program(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    start("200 OK", [])
    return [f"{environ['REMOTE_USER']} {environ['SCRIPT_NAME']} {environ['PATH_INFO']}".encode()]


@pytest.fixture
def gate(dovecot: Answering, tmp_path: Path) -> Gate:
    (tmp_path / "users").touch()
    os.utime(tmp_path / "users", (1, 1))
    return Gate(program, KnownLogin(Login(dovecot.path, "dav", timeout=2), str(tmp_path / "users")), mount="/files")


def ask(
    gate: Gate, login: str | None = "alice:secret", path: str = "/files/a", body: io.BytesIO | None = None, **more: str
) -> tuple[str, str]:
    said: list[str] = []
    environ: dict[str, Any] = {
        "PATH_INFO": path,
        "REQUEST_METHOD": "GET",
        "HTTP_X_REAL_IP": "192.0.2.7",
        "wsgi.input": body or io.BytesIO(),
        **more,
    }
    if login is not None:
        environ["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(login.encode()).decode()
    told = b"".join(gate(environ, lambda status, headers: said.append(status)))
    return said[0][:3], told.decode()


def test_a_right_password_enters_and_is_remembered(gate: Gate, dovecot: Answering) -> None:
    assert ask(gate) == ("200", "alice /files /a")
    assert ask(gate) == ("200", "alice /files /a")
    assert dovecot.asked == 1
    assert "\tservice=dav\t" in dovecot.requests[0] and "\trip=192.0.2.7\t" in dovecot.requests[0]


def test_a_changed_account_is_asked_about_again(gate: Gate, dovecot: Answering, tmp_path: Path) -> None:
    ask(gate)
    (tmp_path / "new").touch()
    os.replace(tmp_path / "new", tmp_path / "users")
    ask(gate)
    assert dovecot.asked == 2
    dovecot.verdict = "FAIL"
    assert ask(gate)[0] == "401", "an answer given while the change was settling was remembered"


def test_a_wrong_password_is_never_remembered(gate: Gate, dovecot: Answering) -> None:
    dovecot.verdict = "FAIL"
    assert [ask(gate)[0], ask(gate)[0]] == ["401", "401"]
    assert dovecot.asked == 2


def test_the_domain_of_a_login_name_is_dropped(gate: Gate) -> None:
    assert ask(gate, "Alice@stead.test:secret") == ("200", "alice /files /a")


@pytest.mark.parametrize("login", [None, "alice", ":secret", "../bob:secret", "a\0b:secret", "alice/x:secret"])
def test_what_is_no_account_never_enters(gate: Gate, login: str | None) -> None:
    assert ask(gate, login)[0] == "401"


def test_nobody_says_who_he_is_but_by_a_password(gate: Gate) -> None:
    assert ask(gate, None, REMOTE_USER="bob", HTTP_X_REMOTE_USER="bob")[0] == "401"
    assert ask(gate, REMOTE_USER="bob")[1].startswith("alice ")


def test_what_lies_outside_is_not_found(gate: Gate) -> None:
    assert ask(gate, path="/filesystem")[0] == "404"
    assert ask(gate, path="/")[0] == "404"


@pytest.mark.parametrize("verdict", ["temp", "hang up"])
def test_when_dovecot_cannot_say_nobody_is_told_his_password_is_wrong(
    gate: Gate, dovecot: Answering, verdict: str
) -> None:
    dovecot.verdict = verdict
    assert ask(gate)[0] == "503"


def test_a_dovecot_that_was_restarted_is_found_again(dovecot: Answering, tmp_path: Path) -> None:
    login = Login(dovecot.path, "dav", timeout=2)
    assert login.check("alice", "secret", None) == "alice"
    dovecot.verdict = "hang up"
    with pytest.raises(Unavailable):
        login.check("alice", "secret", None)
    dovecot.verdict = "OK"
    assert login.check("alice", "secret", None) == "alice"


def test_no_dovecot_at_all(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no connection"):
        Login(str(tmp_path / "nothing"), "dav").check("alice", "secret", None)


def test_many_at_once_are_one_question(gate: Gate, dovecot: Answering) -> None:
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(gate)[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["200"] * 8
    assert dovecot.asked == 1


def test_a_refused_body_is_read_to_its_end_and_no_other(gate: Gate) -> None:
    """Else the proxy in front, still sending it, tells the client something else than the answer."""
    refused, taken = io.BytesIO(b"x" * 300_000), io.BytesIO(b"x" * 300_000)
    assert ask(gate, None, body=refused)[0] == "401" and refused.read() == b""
    assert ask(gate, body=taken)[0] == "200" and len(taken.read()) == 300_000, "the program's to read"
