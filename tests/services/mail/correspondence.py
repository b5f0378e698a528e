"""What the mail tests do all the time: write a letter, hand it in, look for it."""

from __future__ import annotations

import imaplib
import secrets
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from time import monotonic, sleep

from tests.rig.server import Server

STRANGER = "stranger@example.org"


def letter(to: str, *, sender: str = STRANGER, text: str = "Hello.", **headers: str) -> tuple[EmailMessage, str]:
    """A plain message and its subject, by which it is found again."""
    subject = f"letter {secrets.token_hex(6)}"
    message = EmailMessage()
    message["From"] = f"Somebody <{sender}>"
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain="example.org")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message, subject


def send_in(server: Server, message: EmailMessage, to: str, *, sender: str = STRANGER) -> None:
    """As a stranger's server: port 25, STARTTLS, no login."""
    with server.inbound() as link:
        link.send_message(message, sender, [to])


def wait_for(
    link: imaplib.IMAP4, subject: str, *, mailbox: str = "INBOX", within: float = 10.0, wanted: bool = True
) -> bytes | None:
    """The UID of the message with this subject once it is in ``mailbox`` (or, not wanted: None once it is not)."""
    deadline = monotonic() + within
    while True:
        answer, _ = link.select(mailbox)
        assert answer == "OK", mailbox
        _, data = link.uid("SEARCH", "HEADER", "SUBJECT", f'"{subject}"')
        found = data[0].split() if data and data[0] else []
        if bool(found) is wanted or monotonic() > deadline:
            return found[-1] if found else None
        sleep(0.1)


def raw(link: imaplib.IMAP4, uid: bytes) -> bytes:
    """The whole message."""
    _, data = link.uid("FETCH", uid.decode(), "(BODY.PEEK[])")
    whole: bytes = next(part[1] for part in data if isinstance(part, tuple))
    return whole
