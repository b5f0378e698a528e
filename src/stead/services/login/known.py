"""Right passwords, remembered for a while, so that a client pays for Argon2 once and not with every request.

Dovecot's own cache keeps the hash and computes it again each time. Runs inside the machine, standard library only.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
import time

from stead.services.login.dovecot import Login

_KEPT_SECONDS = 600.0
_KEPT_AT_MOST = 256
#: So long after a change Dovecot may still answer from before it: what it says then is not remembered.
_SETTLING_SECONDS = 30.0


class KnownLogin:
    """Asks ``login``, and remembers what was right until ``accounts`` (the host's file) changes or ten minutes pass.

    Passwords are kept only as keyed digests, the key only in this process. Requests with the same name and password
    that come at once are asked about once.
    """

    def __init__(self, login: Login, accounts: str) -> None:
        self._login = login
        self._accounts = accounts
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, tuple[str, float]] = {}
        self._asking: dict[bytes, threading.Lock] = {}
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None

    def remembered(self, name: str, password: str) -> str | None:
        """The account, if this password was found right a short while ago; never asks."""
        return self._look(self._digest(name, password))

    def check(self, name: str, password: str, address: str | None) -> str | None:
        """As :meth:`Login.check`."""
        digest = self._digest(name, password)
        with self._lock:
            mine = self._asking.setdefault(digest, threading.Lock())
        try:
            with mine:
                account = self._look(digest)
                if account is None:
                    stamp = self._read_stamp()
                    account = self._login.check(name, password, address)
                    self._keep(digest, account, stamp)
                return account
        finally:
            with self._lock:
                self._asking.pop(digest, None)

    def _look(self, digest: bytes) -> str | None:
        stamp = self._read_stamp()
        with self._lock:
            if stamp is None or stamp != self._stamp:
                self._known.clear()
                self._stamp = stamp
                return None
            account, until = self._known.get(digest, ("", 0.0))
            return account if time.monotonic() < until else None

    def _keep(self, digest: bytes, account: str | None, stamp: tuple[int, int] | None) -> None:
        """Remember, unless the accounts changed while Dovecot was asked."""
        with self._lock:
            if account is None or stamp is None or stamp != self._stamp:
                return
            if time.time() - stamp[1] / 1e9 < _SETTLING_SECONDS:
                return
            while len(self._known) >= _KEPT_AT_MOST:
                del self._known[next(iter(self._known))]
            self._known[digest] = (account, time.monotonic() + _KEPT_SECONDS)

    def _read_stamp(self) -> tuple[int, int] | None:
        """The file is replaced whole at every change. Where it cannot be seen, nothing is remembered."""
        try:
            found = os.stat(self._accounts)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _digest(self, name: str, password: str) -> bytes:
        text = f"{len(name)}:{name}{password}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self._key, digest_size=32).digest()
