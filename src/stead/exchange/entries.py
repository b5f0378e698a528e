"""Calendar files into single entries: all that bears one UID belongs together, with the time zones it names (RFC 5545).

The text is cut by lines, not taken apart: what a program wrote that we do not know comes over unchanged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from icalendar import Calendar

from stead.exchange.letters import Broken

_KINDS = ("VEVENT", "VTODO", "VJOURNAL")
_FOLD = re.compile("\r?\n[ \t]")
_ZONE = re.compile(r'TZID="?([^";:,\n]+)')
_WHEN = re.compile(r"^(DTSTART|RECURRENCE-ID)(?:;[^:\n]*)?:(.*)$", re.MULTILINE)
_MOMENT = re.compile(r"\d{8}(?:T\d{6}Z?)?")
_PLAIN = str.maketrans({n: None for n in range(32) if n not in (9, 10)} | {127: None})


@dataclass
class Entry:
    """One entry ready to be kept: its UID and its text, a whole VCALENDAR with CRLF."""

    uid: str
    text: bytes
    name: str


@dataclass
class _Group:
    uid: str
    versions: dict[str, tuple[int, str]] = field(default_factory=dict)


def text_of(raw: bytes) -> str:
    """The bytes of an ics or vcf file as text with LF line ends; control characters, NUL among them, are left out."""
    for mark, codec in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if raw.startswith(mark):
            text = raw.decode(codec, "replace")
            break
    else:
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode("cp1252", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_PLAIN)


def calendar_name(text: str) -> str | None:
    """What the file calls its calendar (X-WR-CALNAME, or NAME of RFC 7986), if it does."""
    found = re.search(r"^(?:X-WR-CALNAME|NAME)(?:;[^:\n]*)?:(.+)$", _FOLD.sub("", text[:65536]), re.MULTILINE)
    return re.sub(r"\\([,;\\])", r"\1", found[1]).strip() if found else None


def entries(text: str) -> Iterator[Entry | tuple[str, str]]:
    """Every entry of a calendar file; for what is broken a pair of what it is and why."""
    zones: dict[str, str] = {}
    groups: dict[str, _Group] = {}
    for kind, block in blocks(text):
        flat = _FOLD.sub("", block)
        if kind == "VTIMEZONE":
            zone = re.search(r"^TZID(?:;[^:\n]*)?:(.+)$", flat, re.MULTILINE)
            zones.setdefault(zone[1].strip() if zone else "", block)
        elif kind == "":
            yield _called(flat), "it has no end: the file is cut short"
        else:
            try:
                yield from _sort_in(groups, kind, block, flat)
            except Broken as why:
                yield _called(flat), str(why)
    for group in groups.values():
        try:
            yield _whole(group, zones)
        except Broken as why:
            yield group.uid, str(why)


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Kind and text of the components right below VCALENDAR; kind "" for one without an end."""
    kind, start, at = "", 0, 0
    for line in text.splitlines(keepends=True):
        word = line.strip().upper()
        if not kind and word in ("BEGIN:VEVENT", "BEGIN:VTODO", "BEGIN:VJOURNAL", "BEGIN:VTIMEZONE"):
            kind, start = word[6:], at
        elif kind and word == f"BEGIN:{kind}":
            yield "", text[start:at]
            start = at
        elif kind and word == f"END:{kind}":
            yield kind, text[start : at + len(line)]
            kind = ""
        elif kind and word == "END:VCALENDAR":
            yield "", text[start:at]
            kind = ""
        at += len(line)
    if kind:
        yield "", text[start:]


def _sort_in(groups: dict[str, _Group], kind: str, block: str, flat: str) -> Iterator[tuple[str, str]]:
    found = {name: value.strip() for name, value in reversed(_WHEN.findall(flat))}
    if kind == "VEVENT" and not _MOMENT.fullmatch(found.get("DTSTART", "")):
        raise Broken(f"its start cannot be read: {found.get('DTSTART', 'none')[:40]}")
    uid_line = re.search(r"^UID(?:;[^:\n]*)?:(.*)$", flat, re.MULTILINE)
    uid = uid_line[1].strip() if uid_line else ""
    if not uid:
        uid = "stead-" + hashlib.blake2b(flat.encode(), digest_size=12).hexdigest()
        head, _, rest = block.partition("\n")
        block = f"{head}\nUID:{uid}\n" + re.sub(r"^UID(?:;[^:\n]*)?:[ \t]*\n", "", rest, flags=re.MULTILINE)
    group = groups.setdefault(f"{kind} {uid}", _Group(uid))
    recurrence = found.get("RECURRENCE-ID", "")
    sequence = re.search(r"^SEQUENCE(?:;[^:\n]*)?:\s*(\d{1,9})", flat, re.MULTILINE)
    number = int(sequence[1]) if sequence else 0
    known = group.versions.get(recurrence)
    if known is None or number >= known[0]:
        group.versions[recurrence] = (number, block if block.endswith("\n") else block + "\n")
    if known is not None and known[1].strip() != block.strip():
        yield _called(flat), "the file holds it twice; the newer one came over"


def _whole(group: _Group, zones: dict[str, str]) -> Entry:
    blocks = [block for _, block in group.versions.values()]
    named = {zone.strip() for block in blocks for zone in _ZONE.findall(_FOLD.sub("", block))}
    parts = [zones[name] if zones[name].endswith("\n") else zones[name] + "\n" for name in sorted(named & set(zones))]
    head = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Stead//import//EN\n"
    text = (head + "".join(parts) + "".join(blocks) + "END:VCALENDAR\n").replace("\n", "\r\n")
    try:
        Calendar.from_ical(text)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as wrong:
        raise Broken(f"it cannot be read: {str(wrong)[:120]}") from None
    return Entry(group.uid, text.encode(), _called(_FOLD.sub("", blocks[0])))


def _called(flat: str) -> str:
    for name in ("SUMMARY", "UID"):
        found = re.search(rf"^{name}(?:;[^:\n]*)?:(.*)$", flat, re.MULTILINE)
        if found:
            return found[1].strip()[:120]
    return "an entry without a name"
