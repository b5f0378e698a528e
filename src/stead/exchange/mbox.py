"""Cut an mbox into its messages, in bounded memory and at the speed of the disk.

There is no one mbox (RFC 4155 describes the family). Here a line "From " with a date in it begins a message if what
follows looks like a header; one without a date only after an empty line. Quoted lines lose one ">" (mboxrd). CRLF
becomes LF. What lies before the first such line is a message, too, if it has a header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

#: Small enough to stay in a processor's cache while it is looked through.
_PIECE = 1 << 18
#: As much of the next line as decides whether it is a header.
_AHEAD = 1 << 10
_LINE = re.compile(rb"From ([^\r\n]{0,998})\r?\n")
_DATED = re.compile(
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\s+(?:(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s+\d{1,2}|\d{1,2}\s+"
    rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec))\s.*\d\d:\d\d"
)
_HEADER = re.compile(rb"(?:[!-9;-~]{1,200}[ \t]*:|>?From )")
_START = b"From "
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)


class Cut(NamedTuple):
    """One message as it lay in the file: its "From " line (may be empty) and its bytes; None: longer than allowed.

    ``at`` is where these very bytes begin, counted from the first byte read; -1: they stand nowhere like this.
    """

    line: bytes
    content: bytes | None
    at: int = -1


def messages(read: Callable[[int], bytes], longest: int) -> Iterator[Cut]:
    """The messages of an mbox; ``read`` gives the next bytes. One longer than ``longest`` comes without content."""
    buffer, start, look, line, skipping = read(_PIECE), 0, 0, b"", False
    base = 0
    if buffer.startswith(b"\xef\xbb\xbf"):
        start = look = 3
    first, quoted, ended = not _begins(buffer, start, True), False, False
    if not first:
        line, start = _take_line(buffer, start)
        look = start
    while True:
        # What begins near the end cannot be told from other text without more bytes.
        for at in _starts(buffer, look, len(buffer) + 1 - (0 if ended else _AHEAD * 2)):
            before = buffer[at - 1] if at else 10
            if at < start:
                continue
            if before == 10 and _begins(buffer, at, _after_empty(buffer, at - 1)):
                if not skipping:
                    yield from _cut(line, buffer, start, at, base, first=first, quoted=quoted)
                skipping = first = quoted = False
                line, start = _take_line(buffer, at)
            quoted = quoted or before == 62
        if ended:
            break
        kept = buffer[start:]
        if len(kept) > longest and not skipping:
            yield Cut(line, None)
            skipping = True
        if skipping:
            kept = kept[-_AHEAD * 2 :]
        base += len(buffer) - len(kept)
        more = _more(read, len(kept))
        ended = not more
        look = max(0, len(kept) - _AHEAD * 2)
        buffer, start = kept + more, 0
        del kept, more
    if not skipping:
        yield from _cut(line, buffer, start, len(buffer), base, first=first, quoted=quoted)


def _more(read: Callable[[int], bytes], held: int) -> bytes:
    """The next bytes; of a long message as many as are held already, so that it is not copied again for each piece."""
    more = read(_PIECE)
    if held <= _PIECE or not more:
        return more
    pieces, size = [more], len(more)
    while size < held and (more := read(_PIECE)):
        pieces.append(more)
        size += len(more)
    return b"".join(pieces)


def _starts(buffer: bytes, begin: int, end: int) -> Iterator[int]:
    """Where "From " stands, from ``begin`` to before ``end``, in their order; some places at once, bounded."""
    for low in range(begin, end, _PIECE):
        found, at = [], min(low + _PIECE, end)
        # Python looks twice as fast from the end as from the beginning.
        while (at := buffer.rfind(_START, low, at + len(_START) - 1)) >= 0:
            found.append(at)
        yield from reversed(found)


def _after_empty(buffer: bytes, at: int) -> bool:
    return at <= 0 or buffer[at - 1 : at] == b"\n" or buffer[max(at - 2, 0) : at] in (b"\n\r", b"\r")


def _begins(buffer: bytes, at: int, after_empty: bool) -> bool:
    line = _LINE.match(buffer, at)
    if line is None:
        # The last line of the file may be cut.
        return False
    headed = line.end() == len(buffer) or _HEADER.match(buffer, line.end()) is not None
    if _DATED.search(line[1]):
        return headed or buffer[line.end() : line.end() + 2] in (b"\r\n", b"\n") or buffer[line.end()] == 10
    return after_empty and headed and line.end() < len(buffer)


def _take_line(buffer: bytes, at: int) -> tuple[bytes, int]:
    end = buffer.find(b"\n", at) + 1 or len(buffer)
    return buffer[at:end].rstrip(b"\r\n"), end


def _cut(
    line: bytes, buffer: bytes, start: int, end: int, base: int, *, first: bool = False, quoted: bool = False
) -> Iterator[Cut]:
    # What is cut off before it is copied need not be copied again.
    ends = buffer[max(end - 2, start) : end] == b"\n\n"
    content = buffer[start : end - 1 if ends else end]
    if first and not content.strip():
        return
    size = len(content)
    # One byte is looked for at the speed of memory, two are not.
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n")
        if not ends and content.endswith(b"\n\n"):
            content = content[:-1]
    if quoted:
        content = _QUOTED.sub(rb"\1", content)
    # Any of it makes it shorter, or has changed nothing.
    yield Cut(line, content, base + start if len(content) == size else -1)
