"""Somebody's things as other programs write them, for tests to bring in; and the reader run on them by itself."""

from __future__ import annotations

import os
import threading
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stead.exchange import sources
from stead.exchange.helpers import Reader
from stead.exchange.items import Item, Kind, read_exactly, receive

TAKEOUT_MBOX = "Takeout/Mail/Alle Nachrichten einschließlich Spam und Papierkorb.mbox"

EVENTS = """BEGIN:VCALENDAR
VERSION:2.0
X-WR-CALNAME:Familie\\, Müller
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:series@example.com
DTSTAMP:20240101T000000Z
DTSTART;TZID=Europe/Berlin:20240105T100000
RRULE:FREQ=WEEKLY
SUMMARY:Chor
END:VEVENT
BEGIN:VEVENT
UID:series@example.com
DTSTAMP:20240101T000000Z
RECURRENCE-ID;TZID=Europe/Berlin:20240112T100000
DTSTART;TZID=Europe/Berlin:20240112T110000
SUMMARY:Chor\\, später
END:VEVENT
BEGIN:VEVENT
UID:single@example.com
DTSTAMP:20240101T000000Z
DTSTART;VALUE=DATE:20240201
SUMMARY:Geburtstag
END:VEVENT
BEGIN:VEVENT
UID:broken@example.com
DTSTART:someday
SUMMARY:Broken one
END:VEVENT
END:VCALENDAR
"""

CARDS = """BEGIN:VCARD
VERSION:3.0
FN:Zoe Example
N:Example;Zoe;;;
EMAIL;TYPE=INTERNET:zoe@example.org
END:VCARD
BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg;;;
TEL;CELL;VOICE:+49 1
NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:one=0D=0Atwo is a long line =
that goes on
END:VCARD
BEGIN:VCARD
VERSION:4.0
UID:urn:uuid:4
FN:Four
TEL;VALUE=uri;TYPE=home:tel:+1
END:VCARD
BEGIN:VCARD
VERSION:3.0
NOTE:nobody
END:VCARD
"""


def letter(number: int, more: str = "", body: str = "Words.\n") -> bytes:
    """A message with LF line ends."""
    return (
        f"{more}From: Zoe <zoe@example.org>\nTo: me@example.org\nSubject: letter {number}\n"
        f"Message-ID: <{number}@example.org>\nDate: Tue, 02 Jan 2024 10:00:{number % 60:02d} +0000\n\n{body}"
    ).encode()


def mboxed(content: bytes, when: str = "Tue Jan 02 10:00:00 +0000 2024", sender: str = "17@xxx") -> bytes:
    """A message as it lies in an mbox."""
    quoted = b"".join(
        b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in content.splitlines(True)
    )
    return f"From {sender} {when}\n".encode() + quoted + b"\n"


def takeout(folder: Path) -> Path:
    """A Takeout as a German account gets it, zipped."""
    mails = [
        letter(1, "X-Gmail-Labels: =?UTF-8?Q?Posteingang,Ge=C3=B6ffnet,Kategorie:_Pers=C3=B6nlich?=\n"),
        letter(2, "X-Gmail-Labels: Archiviert,Ungelesen,Markiert\n"),
        letter(3, "X-Gmail-Labels: =?UTF-8?Q?Reisen/Gr=C3=B6=C3=9Fe.2024?=,Posteingang,\n =?UTF-8?Q?Ge=C3=B6ffnet?=\n"),
        letter(4, "X-Gmail-Labels: Gesendet,=?UTF-8?Q?Ge=C3=B6ffnet?=\n", "From here on it is quoted.\n>From twice.\n"),
        letter(5, "X-Gmail-Labels: Papierkorb,Reisen\n"),
        letter(6, "X-Gmail-Labels: Spam\n"),
        letter(
            7,
            "X-Gmail-Labels: =?UTF-8?Q?Entw=C3=BCrfe?=\n",
            "8-bit: \udce4\n".encode("utf-8", "surrogateescape").decode("latin-1"),
        ),
    ]
    file = folder / "takeout-20240301T000000Z-001.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(TAKEOUT_MBOX, b"".join(map(mboxed, mails)))
        archive.writestr("Takeout/Kalender/Familie.ics", EVENTS.replace("\n", "\r\n"))
        archive.writestr("Takeout/Kontakte/Alle Kontakte/Alle Kontakte.vcf", CARDS)
        archive.writestr("Takeout/Kontakte/Meine Kontakte/Meine Kontakte.vcf", CARDS)
        archive.writestr("Takeout/Drive/Meine Ablage/Brief.eml", b"From: a\nTo: b\n\nstays a file\n")
        archive.writestr("Takeout/Drive/Meine Ablage/Fotos/ä.bin", os.urandom(100_000))
        archive.writestr("Takeout/archive_browser.html", "<html>")
        archive.writestr("../../etc/passwd", "outside")
    return file


@dataclass
class Told:
    """What the reader told."""

    items: list[Item] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    lost: list[dict[str, Any]] = field(default_factory=list)
    ended: bool = False

    def of(self, kind: Kind) -> list[tuple[Item, bytes]]:
        """The items of one kind with their contents."""
        return [(i, c) for i, c in zip(self.items, self.contents, strict=True) if i.kind is kind]

    def whys(self) -> str:
        """All reasons."""
        return "\n".join(f"{row['name']}: {row['why']}" for row in self.lost)


def read(*paths: Path, kind: str | None = None, into: str | None = None, spool: Path = Path("/tmp")) -> Told:
    """Run the real reader on files or folders."""
    told = Told()
    with (spool / "errors").open("w+b") if spool != Path("/tmp") else open(os.devnull, "wb") as errors:
        reader = Reader({"as": kind, "into": into, "spool": str(spool)}, errors)

        def hand() -> None:
            def lost(name: str, where: str, why: str) -> None:
                told.lost.append({"name": name, "where": where, "why": why})

            for found in sources.walk(paths, lost):
                handle = sources.open_found(found)
                assert handle is not None
                reader.hand(
                    {
                        "parts": found.parts,
                        "beneath": found.beneath,
                        "top": found.top,
                        "size": found.size,
                        "date": found.date,
                    },
                    handle,
                )
                os.close(handle)
            reader.no_more()

        thread = threading.Thread(target=hand)
        thread.start()
        while (head := receive(reader.frames)) is not None:
            if head.get("what") == "lost":
                told.lost.append(head)
            elif head.get("what") == "end":
                told.ended = True
            elif head.get("what") == "file":
                reader.next_file()
            elif "what" not in head:
                for item in map(Item.read, head["items"]):
                    told.items.append(item)
                    lies = item.at >= 0
                    told.contents.append(
                        os.pread(reader.file, item.size, item.at) if lies else read_exactly(reader.frames, item.size)
                    )
        thread.join()
        reader.close()
    return told
