"""Markers of mail: a dated message a minute, sent in from outside to the watch account like anybody's mail."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from stead.services.mail.client import headers, imap, letter, remove, search, select, send_in
from stead.words.declaration import MarkerKind
from stead.words.probe import Target
from stead.words.quantities import read_time, say_time

HEADER = "X-Stead-Marker"
_KEPT_SECONDS = 3600
_CLOCKS_DIFFER = timedelta(minutes=2)


def write(target: Target, when: datetime) -> None:
    """Send the marker ``when`` in; remove whatever lies in the watch account for more than an hour."""
    message = letter(target, secrets.token_hex(8), "A dated message: the age of a copy of this mailbox is read off it.")
    message[HEADER] = say_time(when)
    send_in(target, message)
    with imap(target) as link:
        for mailbox in ("INBOX", "Junk"):
            select(link, mailbox)
            remove(link, search(link, "OLDER", str(_KEPT_SECONDS)))


def newest(target: Target) -> datetime | None:
    """The newest marker in the watch account's mailbox."""
    with imap(target) as link:
        select(link, "INBOX", readonly=True)
        found = _moments(headers(link, search(link, "HEADER", HEADER, '""'), HEADER))
    # Anybody may write to the watch account: a forged marker of tomorrow must not hide a loss of today.
    latest = datetime.now(UTC) + _CLOCKS_DIFFER
    return max((moment for moment in found if moment <= latest), default=None)


def _moments(texts: list[str]) -> list[datetime]:
    moments = []
    for text in texts:
        try:
            moments.append(read_time(text))
        except ValueError:
            # Anybody may write to the watch account; what is no time is no marker.
            continue
    return moments


MARKER = MarkerKind(write, newest)
