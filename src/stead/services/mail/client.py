"""Speaking to a machine's mail ports as its users and strangers do: SMTP and IMAP, each call bounded in time."""

from __future__ import annotations

import imaplib
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from time import monotonic, sleep

from stead.words.probe import Endpoint, ProbeFailure, Target, Unprovable

#: How a stranger in the probes calls itself; ``.invalid`` can never be anybody's.
STRANGER = "probe@sink.invalid"
TOKEN = "X-Stead-Probe"
_LOOK_AGAIN = 0.03


def endpoint(target: Target, name: str) -> Endpoint:
    """The published address of the port ``name``."""
    if name not in target.endpoints:
        raise Unprovable(f"no {name} endpoint is published")
    return target.endpoints[name]


def trust(target: Target) -> ssl.SSLContext:
    """TLS as a careful client does it: the machine's name must be in a certificate we trust."""
    context = ssl.create_default_context(cadata=target.ca_pem)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextmanager
def smtp(target: Target, port: str = "smtp", *, starttls: bool = True) -> Iterator[smtplib.SMTP]:
    """A greeted connection to ``smtp``, ``submission`` (STARTTLS unless told otherwise) or ``submissions`` (TLS)."""
    where = endpoint(target, port)
    wrapped = port == "submissions"
    link: smtplib.SMTP
    if wrapped:
        link = smtplib.SMTP_SSL(local_hostname="probe.invalid", timeout=target.timeout, context=trust(target))
    else:
        link = smtplib.SMTP(local_hostname="probe.invalid", timeout=target.timeout)
    # The name that the certificate must carry (we connect to an address); smtplib has no other way to say it.
    vars(link)["_host"] = target.hostname
    try:
        code, words = link.connect(where.host, where.port)
        if code != 220:
            raise ProbeFailure(f"port {where.port} greets with {code} {words.decode(errors='replace')}")
        if starttls and not wrapped:
            link.starttls(context=trust(target))
        link.ehlo()
        yield link
        link.quit()
    finally:
        link.close()


@contextmanager
def imap(target: Target) -> Iterator[imaplib.IMAP4]:
    """A logged-in IMAP connection of the watch account. Its refusals become :class:`ProbeFailure`."""
    where = endpoint(target, "imaps")
    try:
        link = _Imap(target, where)
        try:
            link.login(target.account, target.password)
            yield link
            link.logout()
        finally:
            # A logout has closed it already; anything else has not.
            with suppress(OSError):
                link.shutdown()
    except imaplib.IMAP4.error as refused:
        raise ProbeFailure(f"IMAP: {refused}") from refused


class _Imap(imaplib.IMAP4_SSL):
    """Connects to an endpoint's address while asking TLS for the machine's name."""

    def __init__(self, target: Target, where: Endpoint) -> None:
        self._name = target.hostname
        self._context = trust(target)
        super().__init__(where.host, where.port, ssl_context=self._context, timeout=target.timeout)

    def _create_socket(self, timeout: float | None) -> ssl.SSLSocket:
        plain = socket.create_connection((self.host, self.port), timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._context.wrap_socket(plain, server_hostname=self._name)


def letter(target: Target, token: str, text: str, *, sender: str = STRANGER, to: str | None = None) -> EmailMessage:
    """A plain message that can be found again by ``token``."""
    message = EmailMessage()
    message["From"] = f"Stead's probe <{sender}>"
    message["To"] = to or target.address
    message["Subject"] = "A message from Stead to itself"
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain="sink.invalid")
    message[TOKEN] = token
    message.set_content(text)
    return message


def send_in(target: Target, message: EmailMessage) -> None:
    """Deliver to the watch account as a stranger on the internet would: port 25, STARTTLS, no login."""
    with smtp(target) as link:
        link.send_message(message, STRANGER, [target.address])


def wait_for(link: imaplib.IMAP4, mailbox: str, token: str, timeout: float) -> bytes | None:
    """The UID of the message with ``token`` in ``mailbox``, as soon as it is there."""
    return _wait_for_any(link, (mailbox,), token, timeout)[1]


def find(link: imaplib.IMAP4, mailboxes: tuple[str, ...], token: str, timeout: float) -> tuple[str, bytes | None]:
    """Like :func:`wait_for` in several mailboxes; the one it was found in stays selected."""
    return _wait_for_any(link, mailboxes, token, timeout)


def _wait_for_any(
    link: imaplib.IMAP4, mailboxes: tuple[str, ...], token: str, timeout: float
) -> tuple[str, bytes | None]:
    deadline = monotonic() + timeout
    while True:
        for mailbox in mailboxes:
            select(link, mailbox)
            found = search(link, "HEADER", TOKEN, token)
            if found:
                return mailbox, found[-1]
        if monotonic() > deadline:
            return "", None
        sleep(_LOOK_AGAIN)


def select(link: imaplib.IMAP4, mailbox: str, *, readonly: bool = False) -> None:
    """Open a mailbox; ProbeFailure when it is not there."""
    answer, words = link.select(f'"{mailbox}"', readonly)
    if answer != "OK":
        raise ProbeFailure(f"IMAP: {mailbox} cannot be opened: {words!r}")


def search(link: imaplib.IMAP4, *criteria: str) -> list[bytes]:
    """UIDs of the messages in the open mailbox that match."""
    answer, data = link.uid("SEARCH", *criteria)
    if answer != "OK":
        raise ProbeFailure(f"IMAP: a search was refused: {data!r}")
    return data[0].split() if data and data[0] else []


def remove(link: imaplib.IMAP4, uids: list[bytes]) -> None:
    """Delete messages of the open mailbox for good."""
    if uids:
        link.uid("STORE", b",".join(uids).decode(), "+FLAGS.SILENT", r"(\Deleted)")
        link.expunge()


def headers(link: imaplib.IMAP4, uids: list[bytes], name: str) -> list[str]:
    """The values of one header in messages of the open mailbox; messages without it are left out."""
    if not uids:
        return []
    answer, data = link.uid("FETCH", b",".join(uids).decode(), f"(BODY.PEEK[HEADER.FIELDS ({name})])")
    if answer != "OK":
        raise ProbeFailure(f"IMAP: messages cannot be read: {data!r}")
    texts = (part[1].decode("ascii", "replace") for part in data if isinstance(part, tuple))
    found = (re.match(rf"{re.escape(name)}:\s*(.*?)\s*$", text, re.IGNORECASE | re.MULTILINE) for text in texts)
    return [match[1] for match in found if match]
