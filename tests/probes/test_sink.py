"""The sink keeps what it is sent, is shared, and cannot be made to keep too much."""

from __future__ import annotations

import smtplib
import socket
import threading

import pytest

from stead.probes.sink import sink
from stead.words.probe import Unprovable


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def _send(port: int, text: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="test", timeout=5) as link:
        link.sendmail("a@example.org", ["b@example.org"], text)


def test_messages_arrive_and_are_waited_for() -> None:
    port = _free_port()
    with sink("127.0.0.1", port) as arrived:
        threading.Timer(0.2, _send, (port, "Subject: one\r\n\r\n.dotted\r\ntoken-1\r\n")).start()
        got = arrived.wait(b"token-1", 5)
        assert got is not None
        assert b"\r\n.dotted\r\n" in got
        assert arrived.wait(b"token-2", 0.1) is None


def test_one_sink_is_shared_and_closes_with_the_last() -> None:
    port = _free_port()
    with sink("127.0.0.1", port) as first:
        with sink("127.0.0.1", port) as second:
            assert first is second
        _send(port, "Subject: x\r\n\r\nstill-open\r\n")
        assert first.wait(b"still-open", 5)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)


def test_too_much_is_refused() -> None:
    port = _free_port()
    with sink("127.0.0.1", port) as arrived:
        with pytest.raises(smtplib.SMTPException):
            _send(port, "Subject: x\r\n\r\n" + ("long " * 15 + "\r\n") * 8000)
        assert arrived.wait(b"long", 0.1) is None
        _send(port, "Subject: x\r\n\r\nafter\r\n")
        assert arrived.wait(b"after", 5)


def test_an_address_that_is_not_ours_is_unprovable() -> None:
    with pytest.raises(Unprovable), sink("198.51.100.1", 2525):
        pass
