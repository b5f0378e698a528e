"""What was found, sent on to the broker: letters, entries, cards and files, and what does not come over. Runs only in
the reader."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from typing import IO, Any

from stringzilla import count, find

from stead.exchange import cards, entries
from stead.exchange.items import LONGEST, Item, Kind
from stead.exchange.labels import Place, of_labels
from stead.exchange.letters import Broken, Letter, read_letter
from stead.exchange.outbox import Outbox

#: How our own export begins a message of an mbox: its folder is where it lay, whatever labels it once had.
OUR_LINE = b"From stead@localhost "
_IN_MEMORY = 16 << 20
_TELL_EVERY = 0.5


class Sender:
    """Sends what it is given; keeps count of how far the reader is. ``into``: below which folder all of it goes."""

    def __init__(self, out: int, into: str, spool: IO[bytes]) -> None:
        self.into = into
        self._out = Outbox(out)
        self._spool = spool
        self._done = 0
        self._file: IO[bytes] | None = None
        self._told = time.monotonic()

    def begin(self, file: IO[bytes]) -> None:
        """The next file is looked at: how far it was read tells how far all is."""
        self._file = file
        self._out.note({"what": "file"})

    def done(self, size: int) -> None:
        """That file, of ``size`` bytes, is through."""
        self._file = None
        self.counted(size)

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
        """``count`` more messages (bytes, where files are read) were looked at."""
        self._done += count
        self.tell()

    def note(self, head: dict[str, Any]) -> None:
        """Send something that is no item."""
        self._out.note(head)

    def letter(
        self,
        content: bytes | memoryview,
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
        if at < 0 and find(content, b"\r\n") >= 0:
            content, at = bytes(content).replace(b"\r\n", b"\n"), -1
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
            # Counted here, where the message is still in the processor's cache.
            count(content, b"\n"),
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
        return place._replace(folders=folders)

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
            self.tell()
        identity = hashlib.blake2b(path.encode("utf-8", "replace") + digest.digest(), digest_size=16).hexdigest()
        item = Item(Kind.FILE, identity, path, size, date, name=path[-300:])
        if pieces is not None:
            self._out.item(item, b"".join(pieces))
            return
        self._spool.seek(0)
        self._out.item(item)
        while piece := self._spool.read(1 << 20):
            self._out.more(piece)

    def tell(self) -> None:
        """Say how far it is, if that was not said just now."""
        now = time.monotonic()
        if now - self._told < _TELL_EVERY:
            return
        self._told = now
        here = 0
        if self._file is not None:
            here = os.lseek(self._file.fileno(), 0, os.SEEK_CUR)
        self._out.note({"what": "at", "bytes": self._done + here})
