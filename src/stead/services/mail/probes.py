"""Can mail be received, delivered, read, sent, filtered, and are strangers kept out? Asked from outside, as a user."""

from __future__ import annotations

import base64
import secrets
import socket
from time import monotonic

from stead.probes.sink import sink
from stead.services.mail.client import endpoint, find, imap, letter, remove, search, select, send_in, smtp, wait_for
from stead.services.mail.markers import MARKER
from stead.words.probe import Probe, ProbeFailure, Target

__all__ = ["MARKER", "PROBES"]

#: The agreed test text that every spam filter must catch.
_GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
_SPECIAL = ("Drafts", "Sent", "Junk", "Trash", "Archive")


def receive(target: Target) -> str:
    """A stranger's mail is taken on port 25, over TLS."""
    token = secrets.token_hex(8)
    with smtp(target) as link:
        link.send_message(letter(target, token, "Received."), "probe@sink.invalid", [target.address])
        cipher = link.sock.version() if link.sock and hasattr(link.sock, "version") else "TLS"
    _clear(target, token)
    return f"taken over {cipher}"


def deliver(target: Target) -> str:
    """What was taken is in the inbox soon after."""
    token = secrets.token_hex(8)
    began = monotonic()
    send_in(target, letter(target, token, "Delivered."))
    with imap(target) as link:
        uid = wait_for(link, "INBOX", token, target.timeout / 2)
        took = monotonic() - began
        if uid is None:
            raise ProbeFailure(f"a message that was taken is not in the inbox after {took:.0f} s")
        remove(link, [uid])
    return f"in the inbox after {took:.2f} s"


def read(target: Target) -> str:
    """The watch account can log in, sees its mailboxes and reads its newest message."""
    with imap(target) as link:
        for mailbox in _SPECIAL:
            select(link, mailbox, readonly=True)
        select(link, "INBOX", readonly=True)
        uids = search(link, "ALL")
        if uids:
            answer, data = link.uid("FETCH", uids[-1].decode(), "(BODY.PEEK[])")
            if answer != "OK" or not any(isinstance(part, tuple) and part[1] for part in data):
                raise ProbeFailure("the newest message in the inbox cannot be read")
    return f"{len(uids)} messages in the inbox" if uids else "the inbox is empty"


def send(target: Target) -> str:
    """Mail handed in with a login, on both ports, arrives outside and is signed."""
    with sink(target.outside, target.sink_port) as arrived:
        for port in ("submissions", "submission"):
            token = secrets.token_hex(8)
            message = letter(target, token, "Sent.", sender=target.address, to="probe@sink.invalid")
            with smtp(target, port) as link:
                link.login(target.account, target.password)
                link.send_message(message, target.address, ["probe@sink.invalid"])
            got = arrived.wait(token.encode(), target.timeout / 2)
            if got is None:
                raise ProbeFailure(f"mail sent through {port} did not arrive outside")
            _must_be_signed(got, target.domain)
    return "sent through both ports, signed"


def spam(target: Target) -> str:
    """The agreed test text is filed under Junk, neither lost nor in the inbox."""
    token = secrets.token_hex(8)
    send_in(target, letter(target, token, f"Test of the spam filter:\n\n{_GTUBE}\n"))
    with imap(target) as link:
        mailbox, uid = find(link, ("Junk", "INBOX"), token, target.timeout / 2)
        if uid is None:
            raise ProbeFailure("the test spam is neither in Junk nor in the inbox")
        remove(link, [uid])
    if mailbox != "Junk":
        raise ProbeFailure("the test spam was delivered to the inbox")
    return "the test spam was filed under Junk"


def relay_refused(target: Target) -> str:
    """A stranger cannot send to other strangers through us, however the address is written."""
    elsewhere = "victim@elsewhere.invalid"
    forms = (
        elsewhere,
        f"victim%elsewhere.invalid@{target.domain}",
        f'"{elsewhere}"@{target.domain}',
        f"@{target.domain}:{elsewhere}",
        "elsewhere.invalid!victim",
    )
    with smtp(target) as link:
        if link.has_extn("auth"):
            raise ProbeFailure("port 25 offers a login")
        for form in forms:
            link.docmd("MAIL", "FROM:<probe@sink.invalid>")
            code, _words = link.docmd("RCPT", f"TO:<{form}>")
            if code < 500:
                raise ProbeFailure(f"a stranger's mail to <{form}> was answered with {code}: an open relay")
            link.rset()
    return f"refused in {len(forms)} forms"


def plain_login_refused(target: Target) -> str:
    """No port takes a password before TLS. (The one we offer is not real: it might be overheard.)"""
    made_up = base64.b64encode(b"\0nobody\0nothing").decode()
    for port, starttls in (("smtp", True), ("submission", False)):
        with smtp(target, port, starttls=starttls) as link:
            code, _words = link.docmd("AUTH", f"PLAIN {made_up}")
            if link.has_extn("auth") or code < 500:
                raise ProbeFailure(f"{port} takes a password without TLS or where it should not ({code})")
    _sieve_before_tls(target)
    return "passwords are taken inside TLS only"


def _sieve_before_tls(target: Target) -> None:
    where = endpoint(target, "sieve")
    with socket.create_connection((where.host, where.port), target.timeout) as link, link.makefile("rb") as lines:
        capabilities: dict[str, str] = {}
        for line in iter(lambda: lines.readline(4096), b""):
            if line.upper().startswith((b"OK", b"NO", b"BYE")):
                break
            name, _, value = line.decode("ascii", "replace").strip().partition(" ")
            capabilities[name.strip('"').upper()] = value.strip('"')
    if capabilities.get("SASL", "") or "STARTTLS" not in capabilities:
        raise ProbeFailure("the port for mail rules offers a login without TLS")


def _must_be_signed(message: bytes, domain: str) -> None:
    head = message.split(b"\r\n\r\n", 1)[0].replace(b"\r\n\t", b" ").replace(b"\r\n ", b" ").lower()
    signatures = [line for line in head.split(b"\r\n") if line.startswith(b"dkim-signature:")]
    if not any(f"d={domain};".encode() in line.replace(b" ", b"") for line in signatures):
        raise ProbeFailure("sent mail carries no signature of this domain (DKIM)")


def _clear(target: Target, token: str) -> None:
    with imap(target) as link:
        _mailbox, uid = find(link, ("INBOX", "Junk"), token, target.timeout / 2)
        remove(link, [uid] if uid else [])


PROBES = tuple(
    Probe(name, "mail", check)
    for name, check in (
        ("receive", receive),
        ("deliver", deliver),
        ("read", read),
        ("send", send),
        ("spam", spam),
        ("relay refused", relay_refused),
        ("plain login refused", plain_login_refused),
    )
)
