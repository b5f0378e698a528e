"""The gate before a web program inside the machine: HTTP Basic, asked of Dovecot, and the program's place in the URL.

Runs inside the machine, standard library only. The program behind it sees a plain account name in ``REMOTE_USER``; the
domain part of a login name is dropped, so ``alice`` and ``alice@example.org`` are one account.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import ipaddress
import logging
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from stead.services.login.dovecot import Login, Unavailable
from stead.services.login.known import KnownLogin
from stead.services.login.unread import reading_first

Environ = dict[str, Any]
Start = Callable[..., Any]
App = Callable[[Environ, Start], Iterable[bytes]]

_ACCOUNT = re.compile(r"[a-z][a-z0-9._-]{0,31}")
#: Password checks under way at once, from one address and in all: a guesser must not hold every thread.
_PER_ADDRESS, _IN_ALL = 8, 12
_log = logging.getLogger("stead.gate")


class Gate:
    """Lets a request through to ``app`` when its password is right; ``mount`` is the program's part of the URL."""

    def __init__(self, app: App, login: KnownLogin, *, mount: str, realm: str = "Stead") -> None:
        self._app = app
        self._login = login
        self._mount = mount
        self._realm = realm
        self._busy: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """The WSGI call."""
        # Only the gate says who somebody is; also to what reads an unread body.
        environ.pop("REMOTE_USER", None)
        start = reading_first(environ, start)
        if not self._enter(environ):
            return refuse(start, "404 Not Found")
        address = _address(environ)
        environ["REMOTE_ADDR"] = address
        # Nothing a client sends may decide who it is, or where the program thinks it lies.
        for name in ("HTTP_X_SCRIPT_NAME", "HTTP_X_REMOTE_USER"):
            environ.pop(name, None)
        given = _basic(environ.pop("HTTP_AUTHORIZATION", ""))
        if given is None:
            return self._ask(start)
        account = self._login.remembered(*given)
        if account is None:
            with self._turn(address) as admitted:
                if not admitted:
                    return refuse(start, "429 Too Many Requests", ("Retry-After", "3"))
                try:
                    account = self._login.check(*given, address)
                except Unavailable as reason:
                    _log.error("cannot check passwords: %s", reason)
                    return refuse(start, "503 Service Unavailable", ("Retry-After", "5"))
        name = (account or "").partition("@")[0].lower()
        if not _ACCOUNT.fullmatch(name):
            return self._ask(start)
        environ["REMOTE_USER"] = name
        return self._app(environ, start)

    def _enter(self, environ: Environ) -> bool:
        path = environ.get("PATH_INFO", "")
        if path != self._mount and not path.startswith(self._mount + "/"):
            return False
        environ["SCRIPT_NAME"] = self._mount
        environ["PATH_INFO"] = path[len(self._mount) :] or "/"
        return True

    def _ask(self, start: Start) -> Iterable[bytes]:
        return refuse(start, "401 Unauthorized", ("WWW-Authenticate", f'Basic realm="{self._realm}", charset="UTF-8"'))

    @contextlib.contextmanager
    def _turn(self, address: str) -> Iterator[bool]:
        with self._lock:
            admitted = self._busy[address] < _PER_ADDRESS and self._busy.total() < _IN_ALL
            self._busy[address] += admitted
        try:
            yield admitted
        finally:
            with self._lock:
                self._busy[address] -= admitted
                if not self._busy[address]:
                    del self._busy[address]


def standard_login(service: str) -> KnownLogin:
    """The machine's login for one service name, or the places its environment names instead."""
    socket = os.environ.get("STEAD_LOGIN_SOCKET", "/run/dovecot/auth-stead")
    return KnownLogin(Login(socket, service), os.environ.get("STEAD_ACCOUNTS", "/data/identity/users"))


def refuse(start: Start, status: str, *headers: tuple[str, str]) -> Iterable[bytes]:
    """Answer with a status and one line of text."""
    body = f"{status}\n".encode()
    fixed = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body))), ("Connection", "close")]
    start(status, [*fixed, *headers])
    return [body]


def _address(environ: Environ) -> str:
    """The client's address as the proxy saw it; only the proxy can reach the socket."""
    try:
        return str(ipaddress.ip_address(environ.get("HTTP_X_REAL_IP", "")))
    except ValueError:
        return ""


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic" or len(value) > 4096:
        return None
    try:
        raw = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    name, colon, password = text.partition(":")
    return (name.strip(), password) if colon and name.strip() else None
