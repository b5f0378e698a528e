"""Take one source apart: sort every file in it and send its items on. Runs only in the reader."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import IO, Any

from stead.exchange import cards, entries, mbox
from stead.exchange.archives import READ_ERRORS, Member, members
from stead.exchange.items import LONGEST, Item, Kind
from stead.exchange.labels import Place, of_labels
from stead.exchange.letters import Broken, Letter, read_letter
from stead.exchange.outbox import Outbox
from stead.exchange.sorting import HEAD, Sort, file_path, is_export, is_takeout, mail_folder, sort
from stead.exchange.streams import chain_read, whole
from stead.words import keywords

#: How our own export begins a message of an mbox: its folder is where it lay, whatever labels it once had.
OUR_LINE = b"From stead@localhost "
_IN_MEMORY = 16 << 20
_TELL_EVERY = 0.5
_STEM_ENDS = (".zip", ".tgz", ".gz", ".tar", ".bz2", ".xz")


class Taker:
    """Sends what it finds; keeps count of how far it is in the files it was handed."""

    def __init__(self, out: int, job: dict[str, Any], spool: IO[bytes]) -> None:
        self._out = Outbox(out)
        self._forced: str | None = job.get("as")
        self.into: str = job.get("into") or ""
        self._spool = spool
        self._done = 0
        self._file: IO[bytes] | None = None
        # Whether what is read stands in that file as it is: the broker can take it from there itself.
        self._plain = False
        self._told = time.monotonic()
        # Of Maildir folders, by their paths: the file that names them comes before the messages.
        self._keywords: dict[tuple[str, ...], dict[str, str]] = {}

    def source(self, note: dict[str, Any], file: IO[bytes]) -> None:
        """One file handed over: ``parts`` of its path, ``beneath`` (the source's name), ``top``, ``size``, ``date``."""
        parts, beneath = tuple(note["parts"]), str(note["beneath"])
        self._file = file
        self._out.note({"what": "file"})
        member = Member(parts, note["size"], note["date"], lambda: _rewound(file))
        try:
            head = file.read(HEAD)
            if sort(parts, head, self._forced, top=note["top"]) is Sort.ARCHIVE:
                self._archive(parts[-1], file, note["size"])
            else:
                self._plain = True
                self._member(member, beneath)
        finally:
            self._file, self._plain = None, False
            self._done += note["size"]
            self._tell()

    def end(self) -> None:
        """Say that all was read."""
        self._out.note({"what": "end"})

    def lost(self, what: str, where: str, why: str) -> None:
        """Say that something does not come over."""
        self._out.note({"what": "lost", "name": what[:400], "where": where[:400], "why": why[:200]})

    def total(self, count: int) -> None:
        """Say how many messages there are in all."""
        self._out.note({"what": "total", "bytes": count})

    def counted(self, count: int) -> None:
        """``count`` more messages were looked at."""
        self._done += count
        self._tell()

    def note(self, head: dict[str, Any]) -> None:
        """Send something that is no item."""
        self._out.note(head)

    def _archive(self, name: str, file: IO[bytes], size: int) -> None:
        beneath = name
        while beneath.casefold().endswith(_STEM_ENDS):
            beneath = beneath.rpartition(".")[0]
        file.seek(0)
        try:
            for member in members(name, file, size):
                if isinstance(member, tuple):
                    self.lost(member[0], name, member[1])
                else:
                    self._member(member, beneath)
        except Broken as why:
            self.lost(name, name, str(why))

    def _member(self, member: Member, beneath: str) -> None:
        path = "/".join(member.parts)
        try:
            stream = member.open()
            head = stream.read(HEAD)
            found = sort(member.parts, head, self._forced, top=False)
            if found is Sort.FILE:
                self._a_file(member, beneath, chain_read(head, stream))
            elif found is Sort.MBOX:
                self._an_mbox(member, chain_read(head, stream))
            elif found is Sort.KEYWORDS:
                self._keywords[member.parts[:-1]] = keywords.read(head)
            elif found is not Sort.NOTHING:
                content = whole(chain_read(head, stream), LONGEST)
                self._content(found, member, content, beneath)
            elif self._forced:
                self.lost(path, beneath, "it is no mail")
        except Broken as why:
            self.lost(path, beneath, str(why))
            if "unpacks" in str(why):
                raise
        except READ_ERRORS as wrong:
            self.lost(path, beneath, f"it cannot be read: {str(wrong)[:150]}")

    def _content(self, found: Sort, member: Member, content: bytes, beneath: str) -> None:
        path = "/".join(member.parts)
        if found is Sort.CALENDAR:
            self.calendar(content, member.parts[-1].rpartition(".")[0] or "Calendar", path)
        elif found is Sort.CONTACTS:
            named = is_export(member.parts) and not path.endswith("/Contacts.vcf")
            self.contacts(content, path, book=member.parts[-1].rpartition(".")[0] if named else "Contacts")
        elif found is Sort.MAILDIR:
            letters = member.parts[-1].rpartition("2,")[2] if "2," in member.parts[-1] else ""
            self.letter(
                content,
                mail_folder(member.parts, found),
                flags="".join(c for c in letters if c in "DFRST"),
                keywords=keywords.named(letters, self._keywords.get(member.parts[:-2], {})),
                date=member.date,
                path=path,
                labelled=False,
            )
        else:
            if member.parts[-1].casefold().endswith(".emlx"):
                content = _without_wrapping(content)
            folder = mail_folder(member.parts, found)
            folder = beneath if folder == "Imported" and beneath else folder
            self.letter(content, folder, flags="S", path=path)

    def _an_mbox(self, member: Member, read: Callable[[int], bytes]) -> None:
        path = "/".join(member.parts)
        folder = "Archive" if is_takeout(member.parts) else mail_folder(member.parts, Sort.MBOX)
        count = 0
        for count, cut in enumerate(mbox.messages(read, LONGEST), 1):
            if cut.content is None:
                self.lost(f"message {count}", path, f"it is longer than {LONGEST // 1_000_000} MB")
                continue
            at = cut.at if self._plain else -1
            self.letter(cut.content, folder, line=cut.line, path=f"{path}, message {count}", at=at)
            if count % 256 == 0:
                self._tell()
        if not count and member.size:
            self.lost(path, path, "it is called an mbox but no message begins in it")

    def letter(
        self,
        content: bytes,
        folder: str,
        *,
        flags: str | None = None,
        keywords: tuple[str, ...] = (),
        date: float | None = None,
        line: bytes = b"",
        path: str = "",
        elsewhere: bool = False,
        labelled: bool = True,
        at: int = -1,
    ) -> Letter | None:
        """Send one message. ``flags`` None: flags and keywords are as its own header says. ``labelled``: Gmail's labels
        in it tell more than ``folder``, which is only a file's name. ``at``: where it stands in the file as it is. None
        when it did not come over."""
        if b"\r\n" in content:
            content, at = content.replace(b"\r\n", b"\n"), -1
        if len(content) > LONGEST:
            self.lost(path, folder, f"it is longer than {LONGEST // 1_000_000} MB")
            return None
        try:
            letter = read_letter(content, line, date)
        except Broken as why:
            self.lost(path, folder, str(why))
            return None
        if letter.expunged:
            self.lost(letter.name or path, path, "its program had deleted it, and only not cleaned up yet")
            return None
        place = Place((folder,), letter.flags or "" if flags is None else flags, elsewhere)
        place = self._placed(place, letter.labels if labelled and not line.startswith(OUR_LINE) else None, line)
        item = Item(
            Kind.MAIL,
            letter.id,
            place.folders[0],
            len(content),
            letter.date,
            place.flags,
            place.folders[1:],
            place.elsewhere,
            letter.name or path,
            # Counted here, where the message is still in the processor's cache; so it is six times faster than count().
            len(content) - len(content.replace(b"\n", b"")),
            at,
            letter.keywords if flags is None else keywords,
        )
        self._out.item(item, content if at < 0 else b"")
        return letter

    def _placed(self, place: Place, labels: str | None, line: bytes) -> Place:
        """Where a message goes: as its labels say, and below the folder that was asked for."""
        if labels is not None:
            place = of_labels(labels)
        if not self.into:
            return place
        whole_file = labels is None and bool(line)
        folders = (self.into,) if whole_file else tuple(f"{self.into}/{name}" for name in place.folders)
        return replace(place, folders=folders)

    def calendar(self, content: bytes, name: str, path: str, *, named: bool = False) -> None:
        """Send every entry of a calendar file; ``named``: its calendar is called ``name``, whatever is in it."""
        text = entries.text_of(content)
        collection = self.into or (None if named else entries.calendar_name(text)) or name
        for entry in entries.entries(text):
            if isinstance(entry, tuple):
                self.lost(entry[0], path, entry[1])
            else:
                self.send_small(Kind.ENTRY, entry.uid, collection, entry.text, entry.name)
        if "BEGIN:VCALENDAR" not in text.upper():
            self.lost(path, path, "it is called a calendar but is none")

    def contacts(self, content: bytes, path: str, *, book: str = "Contacts") -> None:
        """Send every card of a contact file into the address book ``book``."""
        found = False
        for card in cards.cards(entries.text_of(content)):
            found = True
            if isinstance(card, tuple):
                self.lost(card[0], path, card[1])
            else:
                self.send_small(Kind.CARD, card.uid, self.into or book, card.text, card.name)
        if not found and content.strip():
            self.lost(path, path, "it is called a contact file but there is no card in it")

    def send_small(self, kind: Kind, uid: str, where: str, content: bytes, name: str) -> None:
        """Send an entry or a card: its UID is its identity."""
        identity = hashlib.blake2b(f"{kind.value} {uid}".encode(), digest_size=16).hexdigest()
        self._out.item(Item(kind, identity, where[:200], len(content), name=name), content)

    def _a_file(self, member: Member, beneath: str, read: Callable[[int], bytes]) -> None:
        path = file_path(member.parts, beneath)
        self.file(f"{self.into}/{path}" if self.into else path, read, member.date)

    def file(self, path: str, read: Callable[[int], bytes], date: float) -> None:
        """Send one file, of any size: what is too big for memory goes through an unnamed file first."""
        digest, size = hashlib.blake2b(digest_size=16), 0
        pieces: list[bytes] | None = []
        self._spool.seek(0)
        self._spool.truncate()
        while piece := read(1 << 20):
            digest.update(piece)
            size += len(piece)
            if pieces is not None:
                pieces.append(piece)
                if size > _IN_MEMORY:
                    self._spool.writelines(pieces)
                    pieces = None
            else:
                self._spool.write(piece)
            self._tell()
        identity = hashlib.blake2b(path.encode("utf-8", "replace") + digest.digest(), digest_size=16).hexdigest()
        item = Item(Kind.FILE, identity, path, size, date, name=path[-300:])
        if pieces is not None:
            self._out.item(item, b"".join(pieces))
            return
        self._spool.seek(0)
        self._out.item(item)
        while piece := self._spool.read(1 << 20):
            self._out.more(piece)

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told < _TELL_EVERY:
            return
        self._told = now
        here = 0
        if self._file is not None:
            here = os.lseek(self._file.fileno(), 0, os.SEEK_CUR)
        self._out.note({"what": "at", "bytes": self._done + here})


def _rewound(file: IO[bytes]) -> IO[bytes]:
    file.seek(0)
    return file


def _without_wrapping(content: bytes) -> bytes:
    """Apple Mail writes a message's length before it and a property list after it."""
    first, _, rest = content.partition(b"\n")
    return rest[: int(first)] if first.strip().isdigit() else content
