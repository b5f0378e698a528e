"""Cut an mbox into its messages, in bounded memory and at the speed of the disk.

There is no one mbox (RFC 4155 describes the family). Here a line "From " with a date in it begins a message if what
follows looks like a header; one without a date only after an empty line. Quoted lines lose one ">" (mboxrd). CRLF
becomes LF. What lies before the first such line is a message, too, if it has a header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from stringzilla import find

from stead.exchange.window import Window

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
    """One message as it lay in the file: its "From " line (may be empty) and its bytes, which are good until the next
    message is asked for; None: longer than allowed.

    ``at`` is where these very bytes begin, counted from the first byte read; -1: they stand nowhere like this.
    """

    line: bytes
    content: bytes | memoryview | None
    at: int = -1


def messages(readinto: Callable[[memoryview], int | None], longest: int) -> Iterator[Cut]:
    """The messages of an mbox; ``readinto`` gives the next bytes. One longer than ``longest`` comes without content."""
    window = Window(readinto)
    ended = False
    while not ended and window.end < _AHEAD * 2:
        ended = not window.more()
    start, look, line, skipping = 0, 0, b"", False
    if window.bytes.startswith(b"\xef\xbb\xbf", 0, window.end):
        start = look = 3
    first, quoted = not _begins(window, start, True), False
    if not first:
        line, start = _take_line(window, start)
        look = start
    while True:
        # What begins near the end cannot be told from other text without more bytes.
        for at in _starts(window, look, window.end + 1 - (0 if ended else _AHEAD * 2)):
            before = window.bytes[at - 1] if at else 10
            if at < start:
                continue
            if before == 10 and _begins(window, at, at > start and _after_empty(window, at - 1)):
                if not skipping:
                    yield from _cut(line, window, start, at, first=first, quoted=quoted)
                skipping = first = quoted = False
                line, start = _take_line(window, at)
            quoted = quoted or before == 62
        if ended:
            break
        if window.end - start > longest and not skipping:
            yield Cut(line, None)
            skipping = True
        if skipping:
            start = max(start, window.end - _AHEAD * 2)
        window.let_go(start)
        start = 0
        look = max(0, window.end - _AHEAD * 2)
        ended = not window.more()
    if not skipping:
        yield from _cut(line, window, start, window.end, first=first, quoted=quoted)


def _starts(window: Window, begin: int, end: int) -> Iterator[int]:
    """Where "From " stands, from ``begin`` to before ``end``."""
    at, last = begin, min(end + len(_START) - 1, window.end)
    while at < last and (at := find(window.bytes, _START, at, last)) >= 0:
        yield at
        at += 1


def _after_empty(window: Window, at: int) -> bool:
    before = bytes(window.bytes[max(at - 2, 0) : max(at, 0)])
    return at <= 0 or before.endswith(b"\n") or before in (b"\n\r", b"\r")


def _begins(window: Window, at: int, after_empty: bool) -> bool:
    buffer, end = window.bytes, window.end
    line = _LINE.match(buffer, at, end)
    if line is None:
        # The last line of the file may be cut.
        return False
    headed = line.end() == end or _HEADER.match(buffer, line.end(), end) is not None
    if _DATED.search(line[1]):
        return headed or buffer[line.end()] == 10 or buffer.startswith(b"\r\n", line.end(), end)
    return after_empty and headed and line.end() < end


def _take_line(window: Window, at: int) -> tuple[bytes, int]:
    end = window.bytes.find(b"\n", at, window.end) + 1 or window.end
    return bytes(window.bytes[at:end]).rstrip(b"\r\n"), end


def _cut(
    line: bytes, window: Window, start: int, end: int, *, first: bool = False, quoted: bool = False
) -> Iterator[Cut]:
    view = window.view(start, end)
    ends = bytes(view[-2:]) == b"\n\n"
    if ends:
        view = view[:-1]
    if first and not bytes(view).strip():
        return
    content: bytes | memoryview = view
    if find(view, b"\r") >= 0:
        content = bytes(view).replace(b"\r\n", b"\n")
        if not ends and content.endswith(b"\n\n"):
            content = content[:-1]
    if quoted:
        content = _QUOTED.sub(rb"\1", bytes(content))
    # Any of it makes it shorter, or has changed nothing.
    yield Cut(line, content, window.base + start if len(content) == len(view) else -1)
