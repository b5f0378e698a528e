"""What can be read off a message's own header: who it is, when it came, its flags, its labels.

A message is kept byte by byte (line ends become LF). Its identity leaves out the lines that programs change while they
store it, so the same message is recognised in an mbox, in a Maildir and in an account.
"""

from __future__ import annotations

import calendar
import hashlib
import re
from email.utils import mktime_tz, parsedate_tz
from typing import NamedTuple

from stringzilla import find

from stead.exchange.labels import decoded
from stead.words.keywords import cleaned

#: Processors compute this one themselves: it is the fastest good one here.
_digest = hashlib.sha256
_HEADER_LIMIT = 1 << 18
#: Fields that programs change while they store a message.
_CHANGING = frozenset(
    b"x-gmail-labels x-gm-thrid x-gmail-received status x-status x-mozilla-status x-mozilla-status2 x-mozilla-keys"
    b" x-keywords x-uid x-imap x-imapbase content-length".split()
)
_NOTED = _CHANGING | {b"message-id", b"date", b"received", b"subject"}
_FIRST_LINE = re.compile(rb"[!-9;-~]{1,200}[ \t]*:|>?From ")
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: n for n, name in enumerate(_MONTH_NAMES, 1)}
_ASCTIME = re.compile(
    rb"([A-Z][a-z]{2})\s+(\d{1,2})\s+(\d\d):(\d\d)(?::(\d\d))?\s+(?:([+-]\d{4})\s+)?(?:[A-Z]{3,4}\s+)?(\d{4})(?:\s+([+-]\d{4}))?"
)
#: Whoever writes these on "From " lines writes the time of storing, not of receipt.
_STORED_BY = (b"-", b"MAILER-DAEMON", b"")
#: Bits of X-Mozilla-Status (Mozilla's nsMsgMessageFlags.idl): read, replied, marked; expunged, not yet compacted away.
_MOZILLA = ((0x1, "S"), (0x2, "R"), (0x4, "F"))
_MOZILLA_EXPUNGED = 0x8
#: Status and X-Status as mutt, pine and Dovecot's mbox write them.
_STATUS = {"R": "S"}
_X_STATUS = {"A": "R", "F": "F", "T": "D", "D": "T"}


class Broken(Exception):
    """It cannot come over; the words say why."""


class Letter(NamedTuple):
    """What a header says. ``flags`` are letters as in Maildir names, None where it says nothing; ``labels`` Gmail's;
    ``keywords`` Dovecot's and Thunderbird's."""

    id: str
    date: float
    flags: str | None
    labels: str | None
    name: str
    expunged: bool = False
    keywords: tuple[str, ...] = ()


def read_letter(content: bytes | memoryview, line: bytes = b"", date: float | None = None) -> Letter:
    """Read a message with LF line ends; ``line`` is its mbox "From " line, ``date`` a better known time of receipt.

    Raises :class:`Broken` when there is nothing like a header.
    """
    end = find(content, b"\n\n", 0, _HEADER_LIMIT)
    header = bytes(content[: end + 1] if end >= 0 else content[:_HEADER_LIMIT])
    if not _FIRST_LINE.match(header):
        raise Broken("it is empty" if not bytes(content).strip() else "it has no header")
    found, stable = _fields(header)
    flags, expunged = _flags(found)
    labels = found.get(b"x-gmail-labels")
    return Letter(
        _identity(content, len(header), stable),
        _date(found, line) if date is None else date,
        flags,
        None if labels is None else decoded(labels.decode("utf-8", "replace")),
        _name(found),
        expunged,
        _keywords(found),
    )


def _fields(header: bytes) -> tuple[dict[bytes, bytes], bytes | None]:
    """The noted fields, each as it stands first; and the header without those that change (None: there are none)."""
    found: dict[bytes, list[bytes]] = {}
    kept: list[bytes] = []
    lines = header.split(b"\n")
    values, drop = list[bytes](), False
    for line in lines:
        if line[:1] not in (b" ", b"\t"):
            name, colon, value = line.partition(b":")
            name = name.rstrip(b" \t").lower()
            noted = bool(colon) and name in _NOTED
            drop = noted and name in _CHANGING
            values = []
            if noted:
                found.setdefault(name, values)
            values.append(value)
        else:
            values.append(line)
        if not drop:
            kept.append(line)
    whole = {name: b"\n".join(parts) for name, parts in found.items()}
    if len(kept) == len(lines):
        return whole, None
    # Only the field goes, not the end of the line before it.
    return whole, b"\n".join([*kept, b""] if drop else kept)


def _identity(content: bytes | memoryview, header: int, stable: bytes | None) -> str:
    """``stable`` in place of the first ``header`` bytes; without the empty lines at the end."""
    last = bytes(content[-2:])
    end = len(bytes(content).rstrip(b"\n")) if last == b"\n\n" else len(content) - last.endswith(b"\n")
    if stable is None:
        return _digest(memoryview(content)[:end]).hexdigest()[:32]
    rest = memoryview(content)[header:end]
    digest = _digest(stable if rest else stable.rstrip(b"\n"))
    digest.update(rest)
    return digest.hexdigest()[:32]


def _date(found: dict[bytes, bytes], line: bytes) -> float:
    sender, _, rest = line.removeprefix(b"From ").partition(b" ")
    stored = _from_line(rest if rest else line)
    if stored is not None and sender not in _STORED_BY:
        return stored
    received = found.get(b"received", b"").rpartition(b";")[2]
    for text in (received, found.get(b"date", b"")):
        when = _parsed(text)
        if when is not None:
            return when
    return stored or 0.0


def _from_line(text: bytes) -> float | None:
    match = _ASCTIME.search(text)
    month = _MONTHS.get(match[1].decode().lower()) if match else None
    if match is None or month is None:
        return None
    zone = match[6] or match[8]
    shift = (int(zone[1:3]) * 3600 + int(zone[3:]) * 60) * (-1 if zone[:1] == b"-" else 1) if zone else 0
    clock = (int(match[3]), int(match[4]), int(match[5] or 0))
    try:
        return _bounded(calendar.timegm((int(match[7]), month, int(match[2]), *clock)) - shift)
    except (ValueError, OverflowError):
        return None


def _parsed(text: bytes) -> float | None:
    if not text.strip():
        return None
    try:
        found = parsedate_tz(text.decode("ascii", "replace").replace("\n", " "))
        return _bounded(mktime_tz(found)) if found else None
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def _bounded(when: float) -> float | None:
    """IMAP has four digits for a year, and Dovecot takes nothing before 1970."""
    return float(when) if 0 < when < 4102444800 else None


def _flags(found: dict[bytes, bytes]) -> tuple[str | None, bool]:
    mozilla = found.get(b"x-mozilla-status")
    if mozilla is not None:
        try:
            bits = int(mozilla.strip()[:8], 16)
        except ValueError:
            bits = 0
        return "".join(letter for bit, letter in _MOZILLA if bits & bit), bool(bits & _MOZILLA_EXPUNGED)
    status, x_status = found.get(b"status"), found.get(b"x-status")
    if status is None and x_status is None:
        return None, False
    letters = {_STATUS[c] for c in (status or b"").decode("ascii", "replace") if c in _STATUS}
    letters |= {_X_STATUS[c] for c in (x_status or b"").decode("ascii", "replace") if c in _X_STATUS}
    return "".join(sorted(letters)), False


def _keywords(found: dict[bytes, bytes]) -> tuple[str, ...]:
    text = b" ".join(found.get(name, b"") for name in (b"x-keywords", b"x-mozilla-keys"))
    return cleaned(text.decode("ascii", "replace").split()) if text.strip() else ()


def _name(found: dict[bytes, bytes]) -> str:
    text = found.get(b"message-id") or found.get(b"subject") or b""
    return " ".join(text.decode("utf-8", "replace").split())[:120]
