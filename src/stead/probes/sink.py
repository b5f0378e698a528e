"""A tiny mail server that keeps what it is sent: the far end of the send probe. Everything about it is bounded.

Probes that run at the same time in one process share one sink; it closes when the last of them is done. It relays
nothing, stores nothing on disk and forgets all but the newest messages.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import socketserver
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

from stead.words.probe import Unprovable

_MESSAGE_LIMIT = 512 * 1024
_LINE_LIMIT = 4096
_COMMANDS_LIMIT = 100
_CONNECTIONS = 8
_KEPT = 64
_PATIENCE = 10.0


class Sink:
    """The messages that arrived, newest last; :meth:`wait` for the one that is expected."""

    def __init__(self) -> None:
        self._messages: deque[bytes] = deque(maxlen=_KEPT)
        self._changed = threading.Condition()

    def add(self, message: bytes) -> None:
        """Keep one message."""
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()

    def wait(self, token: bytes, timeout: float) -> bytes | None:
        """The message that contains ``token``, as soon as it is there; None when it has not come in time."""
        with self._changed:
            self._changed.wait_for(lambda: any(token in message for message in self._messages), timeout)
            return next((message for message in self._messages if token in message), None)


@contextmanager
def sink(address: str, port: int) -> Iterator[Sink]:
    """A listening sink at ``address``; shared by all who ask for the same address and port in this process."""
    with _lock:
        if (address, port) not in _open:
            _open[address, port] = _Server(address, port)
        server = _open[address, port]
        server.users += 1
    try:
        yield server.sink
    finally:
        with _lock:
            server.users -= 1
            if not server.users:
                del _open[address, port]
                server.close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
        super().__init__((address, port), _Session, bind_and_activate=False)
        self.sink = Sink()
        self.users = 0
        self.places = threading.BoundedSemaphore(_CONNECTIONS)
        self._bind()
        self._loop = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._loop.start()

    def close(self) -> None:
        """Stop listening; sessions under way end by themselves."""
        self.shutdown()
        self._loop.join()
        self.server_close()

    def _bind(self) -> None:
        # Another process may be probing the same machine just now: its sink is soon gone.
        deadline = monotonic() + _PATIENCE
        while True:
            try:
                self.server_bind()
                self.server_activate()
                return
            except OSError as busy:
                if busy.errno != errno.EADDRINUSE or monotonic() > deadline:
                    self.server_close()
                    raise Unprovable(f"nothing can listen for sent mail: {busy.strerror}") from busy
                sleep(0.1)


class _Session(socketserver.StreamRequestHandler):
    """One sender. It understands just enough SMTP for Postfix."""

    timeout = _PATIENCE
    server: _Server

    def handle(self) -> None:
        """Speak until the sender leaves, is too slow, or too talkative."""
        if not self.server.places.acquire(blocking=False):
            return
        try:
            self._say("220 sink ESMTP")
            for _ in range(_COMMANDS_LIMIT):
                if not self._answer(self.rfile.readline(_LINE_LIMIT)):
                    break
        except OSError:
            pass
        finally:
            self.server.places.release()

    def _answer(self, line: bytes) -> bool:
        verb = line[:4].upper()
        if not line or verb == b"QUIT":
            self._say("221 bye")
            return False
        if verb != b"DATA":
            known = verb in (b"EHLO", b"HELO", b"MAIL", b"RCPT", b"RSET", b"NOOP")
            self._say("250 sink" if known else "502 not here")
            return True
        self._say("354 go on")
        message = self._message()
        if message is None:
            self._say("552 too long")
            return False
        self.server.sink.add(message)
        self._say("250 kept")
        return True

    def _message(self) -> bytes | None:
        lines: list[bytes] = []
        size = 0
        while (line := self.rfile.readline(_LINE_LIMIT)) not in (b".\r\n", b""):
            size += len(line)
            if size > _MESSAGE_LIMIT:
                return None
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def _say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")


_open: dict[tuple[str, int], _Server] = {}
_lock = threading.Lock()
