"""Ask Dovecot whether a name and a password belong together, over its authentication socket.

Runs inside the machine, standard library only. The protocol is Dovecot's authentication client protocol 1.x: both sides
introduce themselves, then AUTH requests are answered by OK or FAIL. Each connection carries one request at a time.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
import socket
import threading
from collections.abc import Iterator

_LINE_LIMIT = 16384


class Unavailable(Exception):
    """Dovecot could not answer: nothing is known about the password."""


class Login:
    """Checks passwords for one ``service`` name; keeps a few connections open between requests."""

    def __init__(self, path: str, service: str, *, timeout: float = 10.0, keep: int = 4) -> None:
        self._path = path
        self._service = service
        self._timeout = timeout
        self._keep = keep
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()

    def check(self, name: str, password: str, address: str | None) -> str | None:
        """The account's name if the password is right, None if it is not; raises :class:`Unavailable`.

        ``address`` is the client's, for Dovecot's own log and its slowing down of guessers.
        """
        if not name or "\0" in name or "\0" in password:
            return None
        fields = [f"service={self._service}", "nologin", "secured"]
        if address:
            fields.append(f"rip={address}")
        plain = base64.b64encode(f"\0{name}\0{password}".encode()).decode()
        for connection, fresh in self._connections():
            try:
                answer = connection.ask("PLAIN", fields, plain)
            except (OSError, ValueError) as broken:
                connection.close()
                if fresh:
                    raise Unavailable(f"no answer from {self._path}: {broken}") from broken
                continue
            self._give_back(connection)
            return _account(answer)
        raise Unavailable(f"no connection to {self._path}")

    def _connections(self) -> Iterator[tuple[_Connection, bool]]:
        """Kept connections first (Dovecot may have closed them since), then one new one."""
        while True:
            with self._lock:
                kept = self._idle.pop() if self._idle else None
            if kept is None:
                break
            yield kept, False
        try:
            yield _Connection(self._path, self._timeout), True
        except (OSError, ValueError) as broken:
            raise Unavailable(f"no connection to {self._path}: {broken}") from broken

    def _give_back(self, connection: _Connection) -> None:
        with self._lock:
            if len(self._idle) < self._keep:
                self._idle.append(connection)
                return
        connection.close()


class _Connection:
    """One connection, introduced. Any OSError or ValueError means that it is of no more use."""

    def __init__(self, path: str, timeout: float) -> None:
        self._next = 1
        self._rest = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(path)
            # Dovecot wants a number that no other connection has; a process id would do for one connection only.
            self._send(f"VERSION\t1\t1\nCPID\t{secrets.randbelow(2**31 - 2) + 1}\n")
            self._meet()
        except (OSError, ValueError):
            self.close()
            raise

    def ask(self, mechanism: str, fields: list[str], response: str) -> list[str]:
        """Send one request; the answer's words, beginning with OK or FAIL."""
        number, self._next = self._next, self._next + 1
        # resp= must come last: everything after it belongs to it.
        self._send("\t".join(["AUTH", str(number), mechanism, *fields, f"resp={response}"]) + "\n")
        while True:
            words = self._line().split("\t")
            if len(words) >= 2 and words[0] in ("OK", "FAIL", "CONT") and words[1] == str(number):
                if words[0] == "CONT":
                    raise ValueError("asked to continue a mechanism of one step")
                return words

    def close(self) -> None:
        """End the connection."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _meet(self) -> None:
        plain = False
        while (line := self._line()) != "DONE":
            words = line.split("\t")
            if words[0] == "VERSION" and words[1:2] != ["1"]:
                raise ValueError(f"speaks version {words[1:2]} of the protocol")
            plain = plain or words[:2] == ["MECH", "PLAIN"]
        if not plain:
            raise ValueError("does not offer PLAIN")

    def _send(self, text: str) -> None:
        self._socket.sendall(text.encode())

    def _line(self) -> str:
        while b"\n" not in self._rest:
            if len(self._rest) > _LINE_LIMIT:
                raise ValueError("a line without an end")
            piece = self._socket.recv(4096)
            if not piece:
                raise ConnectionError("the connection was closed")
            self._rest += piece
        line, self._rest = self._rest.split(b"\n", 1)
        return line.decode("utf-8", "replace")


def _account(words: list[str]) -> str | None:
    fields = dict(word.partition("=")[::2] for word in words[2:])
    if words[0] == "OK":
        return fields.get("user")
    if "temp" in fields or fields.get("code") == "temp_fail":
        raise Unavailable("Dovecot reports a failure of its own")
    return None
