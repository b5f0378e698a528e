"""What strangers and the household may not do."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.rig.server import PASSWORD, Server
from tests.services.mail.correspondence import STRANGER, letter, wait_for


@pytest.mark.parametrize(
    "form",
    [
        "victim@example.com",
        "victim%example.com@{d}",
        '"victim@example.com"@{d}',
        '"victim%example.com"@{d}',
        "@{d}:victim@example.com",
        "@localhost:victim@example.com",
        "example.com!victim",
        "example.com!victim@{d}",
        "victim@example.com@{d}",
        "victim@[127.0.0.1]",
        "victim@localhost",
        "victim%example.com@[127.0.0.1]",
        '"victim@example.com"',
        "victim%example.com",
        "victim@sink.invalid",
        "postmaster@example.com",
        "victim@{d}.example.com",
    ],
)
@pytest.mark.parametrize("sender", ["stranger@example.org", "", "alice@{d}", "root@localhost"])
def test_strangers_cannot_send_to_strangers(live: Server, form: str, sender: str) -> None:
    with live.inbound() as link:
        link.ehlo()
        link.docmd("MAIL", f"FROM:<{sender.format(d=live.domain)}>")
        code, words = link.docmd("RCPT", f"TO:<{form.format(d=live.domain)}>")
    assert 500 <= code < 600, words


def test_unknown_people_are_refused_before_their_mail_is_taken(live: Server) -> None:
    with live.inbound() as link:
        link.ehlo()
        link.mail(STRANGER)
        assert link.rcpt(f"nobody-here@{live.domain}")[0] == 550
        assert link.rcpt(f"nobody+alice@{live.domain}")[0] == 550
        assert link.rcpt(f"alice@{live.domain}")[0] == 250


def test_no_questions_about_people_and_no_version(live: Server) -> None:
    at = live.endpoint("smtp")
    with smtplib.SMTP(timeout=30) as link:
        _, banner = link.connect("localhost", at.port)
        assert b"Postfix" not in banner
        link.ehlo()
        assert link.verify(f"alice@{live.domain}")[0] in (252, 502)
        assert link.docmd("EXPN", "alice")[0] in (500, 502)
        assert not link.has_extn("auth")
        assert not link.has_extn("vrfy")
        assert not link.has_extn("etrn")
        assert int(link.esmtp_features["size"]) == live.settings.mail.max_message_mb * 1_000_000
    with socket.create_connection(("localhost", live.endpoint("sieve").port), 30) as plain:
        assert b'"SASL" ""' in plain.recv(4096)


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\n.\r", b"\r.\n", b"\r\n.\r", b"\r.\r\n"]
)
@pytest.mark.parametrize("signed_in", [False, True])
def test_no_smuggling_by_odd_line_ends(live: Server, end: bytes, signed_in: bool) -> None:
    to = f"alice@{live.domain}"
    outer, subject = letter(to)
    inner, smuggled = letter(to)
    head = outer.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    payload = (
        head.rstrip(b"\r\n")
        + end
        + f"MAIL FROM:<admin@{live.domain}>\r\nRCPT TO:<{to}>\r\nDATA\r\n".encode()
        + inner.as_bytes().replace(b"\n", b"\r\n")
        + b"\r\n.\r\n"
    )
    with _session(live, signed_in) as (link, sender):
        assert link.mail(sender)[0] == 250
        assert link.rcpt(to)[0] == 250
        assert link.docmd("DATA")[0] == 354
        try:
            link.send(payload)
            code = link.getreply()[0]
        except (smtplib.SMTPServerDisconnected, OSError):
            code = 521
    # Either refused as a whole, or taken as one message that has the rest as plain text in it.
    with live.imap("alice") as box:
        assert wait_for(box, smuggled, within=0.5) is None
        if code == 250:
            assert wait_for(box, subject)
    if b"\n" in end.replace(b"\r\n", b""):
        assert code >= 500


def test_the_sender_must_be_oneself(live: Server) -> None:
    for sender in (f"bob@{live.domain}", "alice@example.org", f"nobody@{live.domain}"):
        with live.submission("alice") as link:
            link.mail(sender)
            assert link.rcpt(f"alice@{live.domain}")[0] == 553, sender
    for sender in (f"alice@{live.domain}", f"alice+shop@{live.domain}"):
        with live.submission("alice") as link:
            link.mail(sender)
            assert link.rcpt(f"alice@{live.domain}")[0] == 250, sender


def test_submission_needs_a_login_and_tls(live: Server) -> None:
    at = live.endpoint("submission")
    with smtplib.SMTP("localhost", at.port, timeout=30) as link:
        link.ehlo()
        assert not link.has_extn("auth")
        assert link.docmd("AUTH", "PLAIN AG5vYm9keQBub3RoaW5n")[0] in (502, 503, 530)
        assert link.docmd("MAIL", f"FROM:<alice@{live.domain}>")[0] == 530
        link.starttls(context=live.tls())
        link.ehlo()
        link.mail(f"alice@{live.domain}")
        assert link.rcpt(f"bob@{live.domain}")[0] >= 500
        link.rset()
        with pytest.raises(smtplib.SMTPAuthenticationError):
            link.login("alice", "wrong " + PASSWORD)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("port", ["submissions", "imaps"])
def test_old_tls_is_refused(live: Server, port: str) -> None:
    context = live.tls()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    at = live.endpoint(port)
    with (
        socket.create_connection(("localhost", at.port), 30) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain, server_hostname="localhost")


@contextmanager
def _session(live: Server, signed_in: bool) -> Iterator[tuple[smtplib.SMTP, str]]:
    if signed_in:
        with live.submission("bob") as own:
            yield own, f"bob@{live.domain}"
        return
    link = live.inbound()
    link.ehlo()
    try:
        yield link, STRANGER
    finally:
        link.close()
