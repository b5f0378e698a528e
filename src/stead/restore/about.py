"""What a mail, a calendar entry or a contact says about itself, for searching: read out of hostile bytes, all bounded.

Only the unprivileged reader calls this. Nothing here may raise: what cannot be understood is left empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import decode_header
from email.utils import parsedate_to_datetime

#: Characters kept of each field, and bytes looked at of one that is encoded.
_KEPT, _LOOKED_AT = 300, 4000
_MAIL = {b"subject", b"from", b"to", b"cc", b"date", b"message-id"}
_FIELD = re.compile(rb"^([A-Za-z-]{2,16})[ \t]*:(.*(?:\r?\n[ \t].*)*)", re.MULTILINE)
_STRANGE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_BLANKS = re.compile(r"\s+")
_ENTRY = re.compile(rb"^([A-Za-z-]{2,16})((?:;[^:\r\n]{0,500})?):(.*(?:\r?\n[ \t].*)*)", re.MULTILINE)
_TITLES = (b"SUMMARY", b"FN")
_WORDS = (b"LOCATION", b"DESCRIPTION", b"ORG", b"EMAIL", b"TEL", b"NICKNAME", b"NOTE", b"ADR")
_PEOPLE = (b"ORGANIZER", b"ATTENDEE")
_DAY = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d))?")


@dataclass(frozen=True)
class About:
    """``title`` is a subject, summary or name; ``ident`` a message id or UID; ``date`` seconds since 1970, UTC."""

    title: str = ""
    sender: str = ""
    others: str = ""
    ident: str = ""
    date: int | None = None


def about_mail(head: bytes) -> About:
    """A mail's header (everything before its first empty line)."""
    found: dict[bytes, bytes] = {}
    for name, value in _fields(_FIELD, head):
        if name.lower() in _MAIL:
            found.setdefault(name.lower(), value)
    others = " ".join(filter(None, (_decoded(found.get(b"to", b"")), _decoded(found.get(b"cc", b"")))))
    return About(
        title=_decoded(found.get(b"subject", b"")),
        sender=_decoded(found.get(b"from", b"")),
        others=others[:_KEPT],
        ident=_plain(found.get(b"message-id", b"").decode("utf-8", "replace")).strip("<> "),
        date=_mail_date(found.get(b"date", b"")),
    )


def about_entry(content: bytes) -> About:
    """A calendar entry (iCalendar) or a contact (vCard)."""
    title, ident, date, zone = "", "", None, False
    words: list[str] = []
    people: list[str] = []
    for match in _ENTRY.finditer(content):
        name, value = match[1].upper(), match[3]
        if name in _TITLES and not title:
            title = _unescaped(value)
        elif name == b"UID" and not ident:
            ident = _unescaped(value)
        elif name in (b"BEGIN", b"END"):
            # What begins in a time zone's rules is not the entry.
            zone = name == b"BEGIN" and value.strip().upper() in (b"VTIMEZONE", b"STANDARD", b"DAYLIGHT")
        elif name == b"DTSTART" and not zone:
            date = date or _entry_date(value)
        elif name in _WORDS:
            words.append(_unescaped(value))
        elif name in _PEOPLE:
            people.append(_unescaped(value))
    return About(title, " ".join(people)[:_KEPT], " ".join(words)[:_KEPT], ident, date)


def _fields(pattern: re.Pattern[bytes], text: bytes) -> Iterator[tuple[bytes, bytes]]:
    for match in pattern.finditer(text):
        yield match[1], match[2][:_LOOKED_AT]


def _decoded(value: bytes) -> str:
    """A header's text, with encoded words (RFC 2047) read."""
    if b"=?" not in value:
        return _plain(value.decode("utf-8", "replace"))
    with suppress(Exception):
        parts = decode_header(value.decode("ascii", "replace"))
        return _plain("".join(_part(part, charset) for part, charset in parts))
    return _plain(value.decode("utf-8", "replace"))


def _part(part: bytes | str, charset: str | None) -> str:
    if isinstance(part, str):
        return part
    try:
        return part.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError, OSError):
        return part.decode("latin-1")


def _plain(text: str) -> str:
    """One line without control characters and without marks that turn the direction of writing."""
    return _BLANKS.sub(" ", _STRANGE.sub(" ", text)).strip()[:_KEPT]


def _unescaped(value: bytes) -> str:
    unfolded = re.sub(rb"\r?\n[ \t]", b"", value[:_LOOKED_AT])
    text = unfolded.decode("utf-8", "replace").replace("\\n", " ").replace("\\N", " ")
    return _plain(re.sub(r"\\(.)", r"\1", text))


def _mail_date(value: bytes) -> int | None:
    with suppress(Exception):
        when = parsedate_to_datetime(_plain(value.decode("ascii", "replace")))
        return _bounded(when if when.tzinfo else when.replace(tzinfo=UTC))
    return None


def _entry_date(value: bytes) -> int | None:
    match = _DAY.search(value[:40].decode("ascii", "replace"))
    with suppress(Exception):
        if match:
            return _bounded(datetime(*(int(part or 0) for part in match.groups()), tzinfo=UTC))  # type: ignore[misc, arg-type]
    return None


def _bounded(when: datetime) -> int | None:
    seconds = int(when.timestamp())
    return seconds if 0 < seconds < 1 << 33 else None
