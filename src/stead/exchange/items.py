"""What travels from the reader to the broker and on to the writers: one item, and its frame on a pipe.

A frame is four bytes of length, that much JSON, and the content of the items in it, one after the other. Whoever reads
a frame trusts nothing in it: everything is bounded here.
"""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from stead.words.keywords import cleaned

#: No message, entry or card is longer than this; what is longer is reported. Files have no such limit.
LONGEST = 150_000_000
_IDENTITY = re.compile(r"[0-9a-f]{32}")
_HEAD = struct.Struct("<I")
_HEAD_LIMIT = 1 << 20
_PIECE = 1 << 20


class Kind(StrEnum):
    """What an item is, and so which service keeps it."""

    MAIL = "mail"
    ENTRY = "entry"
    CARD = "card"
    FILE = "file"


#: Which service's folder each kind lies in.
SERVICE = {Kind.MAIL: "mail", Kind.ENTRY: "calendar", Kind.CARD: "calendar", Kind.FILE: "files"}

#: Where they stand in a row, counted from ``elsewhere``; rows of an earlier program end before.
_KEYWORDS = 4


class Item(NamedTuple):
    """One message, entry, card or file; JSON carries it as the list of its fields.

    ``id`` is its identity (32 hex digits, from its content), ``where`` its folder, collection or path, ``also`` further
    folders of a message. ``date`` is seconds since 1970 (of receipt; of the last change of a file). ``elsewhere``: not
    wanted if the same item lies in any other folder (the "all mail" of a provider with labels). ``name`` is for
    reports, ``lines`` the line ends in a message. ``at``: its content stands at this byte of the file that is being
    read, and does not follow on the pipe; -1: it follows. ``keywords`` are a message's, beside its flags.
    """

    kind: Kind
    id: str
    where: str
    size: int
    date: float = 0.0
    flags: str = ""
    also: tuple[str, ...] = ()
    elsewhere: bool = False
    name: str = ""
    lines: int = 0
    at: int = -1
    keywords: tuple[str, ...] = ()

    @classmethod
    def read(cls, row: Sequence[Any]) -> Item:
        """From JSON; ValueError when it is none of ours."""
        try:
            kind, identity, where, size, date, flags, also, *rest = row
            rest[_KEYWORDS:] = [cleaned(map(str, keywords)) for keywords in rest[_KEYWORDS:]]
            item = cls(Kind(kind), identity, where, size, date, flags, tuple(map(str, also)), *rest)
        except TypeError as wrong:
            raise ValueError("not an item") from wrong
        whole = (
            isinstance(item.size, int)
            and isinstance(item.lines, int)
            and isinstance(item.at, int)
            and isinstance(item.date, (int, float))
            and isinstance(item.where, str)
        )
        if not whole or item.size < 0 or item.at < -1 or not _IDENTITY.fullmatch(item.id):
            raise ValueError("not an item")
        return item


def send(handle: int, head: Mapping[str, Any], content: bytes | memoryview = b"") -> None:
    """Write one frame."""
    text = json.dumps(head).encode("ascii", "replace")
    start = _HEAD.pack(len(text)) + text
    if len(content) < 65536:
        write_all(handle, start + content)
        return
    write_all(handle, start)
    write_all(handle, content)


def receive(handle: int) -> dict[str, Any] | None:
    """The next frame's head; None at the end. Its content is the caller's to read. ValueError for what is no frame."""
    start = read_exactly(handle, _HEAD.size, end=True)
    if not start:
        return None
    (length,) = _HEAD.unpack(start)
    if length > _HEAD_LIMIT:
        raise ValueError("a frame's head is too long")
    head = json.loads(read_exactly(handle, length))
    if not isinstance(head, dict):
        raise ValueError("a frame without a head")
    return head


def write_all(handle: int, content: bytes | memoryview) -> None:
    """Write every byte."""
    done = os.write(handle, content)
    if done < len(content):
        rest = memoryview(content)[done:]
        while rest:
            rest = rest[os.write(handle, rest) :]


def read_exactly(handle: int, size: int, *, end: bool = False) -> bytes:
    """``size`` bytes; b"" at the end of the stream if ``end`` allows it, else EOFError."""
    first = os.read(handle, min(size, _PIECE)) if size else b""
    if len(first) == size:
        return first
    if not first and end:
        return b""
    pieces, missing = [first], size - len(first)
    while missing:
        piece = os.read(handle, min(missing, _PIECE))
        if not piece:
            raise EOFError("the other side ended in the middle of a frame")
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def pass_on(source: int, target: int, size: int) -> None:
    """Move ``size`` bytes from one pipe to another inside the kernel: the broker never looks at them."""
    while size:
        moved = os.splice(source, target, min(size, _PIECE))
        if not moved:
            raise EOFError("the other side ended in the middle of an item")
        size -= moved
