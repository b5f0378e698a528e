"""Take one source apart: sort every file in it and send its items on. Runs only in the reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any

from stead.exchange import mbox
from stead.exchange.archives import READ_ERRORS, Member, members
from stead.exchange.items import LONGEST
from stead.exchange.letters import Broken
from stead.exchange.sending import Sender
from stead.exchange.sorting import HEAD, Sort, file_path, is_export, is_takeout, mail_folder, sort
from stead.exchange.streams import chain_read, chain_readinto, whole
from stead.words import keywords

_STEM_ENDS = (".zip", ".tgz", ".gz", ".tar", ".bz2", ".xz")


class Taker:
    """Sorts what it is handed and sends on what it finds. ``forced``: what every file is, whatever it looks like."""

    def __init__(self, sender: Sender, forced: str | None) -> None:
        self._sender = sender
        self._forced = forced
        # Whether what is read stands in the file as it is: the broker can take it from there itself.
        self._plain = False
        # Of Maildir folders, by their paths: the file that names them comes before the messages.
        self._keywords: dict[tuple[str, ...], dict[str, str]] = {}

    def source(self, note: dict[str, Any], file: IO[bytes]) -> None:
        """One file handed over: ``parts`` of its path, ``beneath`` (the source's name), ``top``, ``size``, ``date``."""
        parts, beneath = tuple(note["parts"]), str(note["beneath"])
        self._sender.begin(file)
        member = Member(parts, note["size"], note["date"], lambda: _rewound(file))
        try:
            head = file.read(HEAD)
            if sort(parts, head, self._forced, top=note["top"]) is Sort.ARCHIVE:
                self._archive(parts[-1], file, note["size"])
            else:
                self._plain = True
                self._member(member, beneath)
        finally:
            self._plain = False
            self._sender.done(note["size"])

    def _archive(self, name: str, file: IO[bytes], size: int) -> None:
        beneath = name
        while beneath.casefold().endswith(_STEM_ENDS):
            beneath = beneath.rpartition(".")[0]
        file.seek(0)
        try:
            for member in members(name, file, size):
                if isinstance(member, tuple):
                    self._sender.lost(member[0], name, member[1])
                else:
                    self._member(member, beneath)
        except Broken as why:
            self._sender.lost(name, name, str(why))

    def _member(self, member: Member, beneath: str) -> None:
        path = "/".join(member.parts)
        try:
            stream = member.open()
            head = stream.read(HEAD)
            found = sort(member.parts, head, self._forced, top=False)
            if found is Sort.FILE:
                self._a_file(member, beneath, chain_read(head, stream))
            elif found is Sort.MBOX:
                self._an_mbox(member, chain_readinto(head, stream))
            elif found is Sort.KEYWORDS:
                self._keywords[member.parts[:-1]] = keywords.read(head)
            elif found is not Sort.NOTHING:
                content = whole(chain_read(head, stream), LONGEST)
                self._content(found, member, content, beneath)
            elif self._forced:
                self._sender.lost(path, beneath, "it is no mail")
        except Broken as why:
            self._sender.lost(path, beneath, str(why))
            if "unpacks" in str(why):
                raise
        except READ_ERRORS as wrong:
            self._sender.lost(path, beneath, f"it cannot be read: {str(wrong)[:150]}")

    def _content(self, found: Sort, member: Member, content: bytes, beneath: str) -> None:
        path = "/".join(member.parts)
        if found is Sort.CALENDAR:
            self._sender.calendar(content, member.parts[-1].rpartition(".")[0] or "Calendar", path)
        elif found is Sort.CONTACTS:
            named = is_export(member.parts) and not path.endswith("/Contacts.vcf")
            self._sender.contacts(content, path, book=member.parts[-1].rpartition(".")[0] if named else "Contacts")
        elif found is Sort.MAILDIR:
            letters = member.parts[-1].rpartition("2,")[2] if "2," in member.parts[-1] else ""
            self._sender.letter(
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
            self._sender.letter(content, folder, flags="S", path=path)

    def _an_mbox(self, member: Member, readinto: Callable[[memoryview], int]) -> None:
        path = "/".join(member.parts)
        folder = "Archive" if is_takeout(member.parts) else mail_folder(member.parts, Sort.MBOX)
        count = 0
        for count, cut in enumerate(mbox.messages(readinto, LONGEST), 1):
            if cut.content is None:
                self._sender.lost(f"message {count}", path, f"it is longer than {LONGEST // 1_000_000} MB")
                continue
            at = cut.at if self._plain else -1
            self._sender.letter(cut.content, folder, line=cut.line, path=f"{path}, message {count}", at=at)
            if count % 256 == 0:
                self._sender.tell()
        if not count and member.size:
            self._sender.lost(path, path, "it is called an mbox but no message begins in it")

    def _a_file(self, member: Member, beneath: str, read: Callable[[int], bytes]) -> None:
        path = file_path(member.parts, beneath)
        into = self._sender.into
        self._sender.file(f"{into}/{path}" if into else path, read, member.date)


def _rewound(file: IO[bytes]) -> IO[bytes]:
    file.seek(0)
    return file


def _without_wrapping(content: bytes) -> bytes:
    """Apple Mail writes a message's length before it and a property list after it."""
    first, _, rest = content.partition(b"\n")
    return rest[: int(first)] if first.strip().isdigit() else content
