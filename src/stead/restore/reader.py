"""The reader: an unprivileged process that reads headers, entries and contacts. Root only carries bytes to it.

Started as ``python -m stead.restore.reader`` with frames on standard input (a kind, a length, content); for each it
prints one line of JSON. It has no network, cannot write files and is bounded in memory and time.
"""

from __future__ import annotations

import email.charset
import email.quoprimime  # noqa: F401
import encodings.cp1252
import encodings.iso8859_1
import encodings.iso8859_15  # noqa: F401
import json
import resource
import struct
import sys
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

from stead.restore.about import About, about_entry, about_mail
from stead.run import start
from stead.run.privileges import HostUser, give_up_root
from stead.words.errors import SteadError
from stead.words.portions import portions

MAIL, ENTRY = 1, 2
#: Bytes of one mail or entry that are looked at.
HEAD_LIMIT, ENTRY_LIMIT = 1 << 16, 1 << 20
_FRAME = struct.Struct(">BI")
_BATCH = 32 << 20
_MEMORY, _SECONDS, _OUTPUT = 512 << 20, 300, 64 << 20
#: Of time, of what it says, of processes beside it.
_LIMITS = {resource.RLIMIT_CPU: _SECONDS, resource.RLIMIT_FSIZE: _OUTPUT, resource.RLIMIT_NPROC: 0}


def main() -> None:
    """Read frames until they end."""
    give_up_root(HostUser.RESTORE_READER, memory=_MEMORY, limits=_LIMITS)
    while header := sys.stdin.buffer.read(_FRAME.size):
        kind, length = _FRAME.unpack(header)
        content = sys.stdin.buffer.read(length)
        said = about_mail(content) if kind == MAIL else about_entry(content)
        line = json.dumps([said.title, said.sender, said.others, said.ident, said.date])
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def read_all(things: Iterable[tuple[int, bytes]]) -> Iterator[About]:
    """What each of ``things`` (a kind and content) says about itself, in their order; memory stays bounded."""
    frames = (_FRAME.pack(kind, len(content)) + content for kind, content in things)
    for together in portions(((frame, len(frame)) for frame in frames), _BATCH):
        yield from _read(together)


def head_of(content: bytes) -> bytes:
    """The header of a mail, cut at its first empty line."""
    ends = [at + end for mark, end in ((b"\n\n", 1), (b"\r\n\r\n", 2)) if (at := content.find(mark)) >= 0]
    return content[: min(ends)] if ends else content


def _read(frames: list[bytes]) -> Iterator[About]:
    with tempfile.TemporaryFile() as job, tempfile.TemporaryFile() as answer:
        job.writelines(frames)
        job.seek(0)
        child = start([sys.executable, "-m", "stead.restore.reader"], stdin=job, stdout=answer)
        try:
            code = child.wait(_SECONDS)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        answer.seek(0)
        yield from _answers(answer, len(frames), code)


def _answers(answer: IO[bytes], wanted: int, code: int) -> Iterator[About]:
    lines = answer.read(_OUTPUT).split(b"\n")[:-1]
    if code != 0 or len(lines) != wanted:
        raise SteadError(f"the reader of mail headers ended with code {code} after {len(lines)} of {wanted}")
    for line in lines:
        title, sender, others, ident, date = json.loads(line)
        yield About(str(title), str(sender), str(others), str(ident), int(date) if date is not None else None)


if __name__ == "__main__":
    main()
