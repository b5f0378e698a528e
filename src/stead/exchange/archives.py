"""Look into an archive without unpacking it anywhere. Nothing in it can name a place outside, and a bomb is cut short.

Runs only in the reader.
"""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from stead.exchange.letters import Broken

#: An archive that unpacks to more than this many times its size, and more than this many bytes, is a bomb.
_MOST_TIMES, _MOST_SLACK = 300, 1 << 30
_MOST_MEMBERS = 5_000_000
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)
READ_ERRORS = (*_BROKEN, OSError, ValueError)


@dataclass(frozen=True)
class Member:
    """A file in an archive, or one on its own. ``again``: it can be opened more than once."""

    parts: tuple[str, ...]
    size: int
    date: float
    open: Callable[[], IO[bytes]]
    again: bool = True


class Budget:
    """How many bytes may still come out of one archive."""

    def __init__(self, packed: int) -> None:
        self._left = packed * _MOST_TIMES + _MOST_SLACK

    def take(self, size: int) -> None:
        """Count ``size`` bytes; :class:`Broken` when it is more than an honest archive holds."""
        self._left -= size
        if self._left < 0:
            raise Broken(f"it unpacks to more than {_MOST_TIMES} times its size")


class Counted(io.RawIOBase):
    """A stream out of an archive that stops when the budget is used up."""

    def __init__(self, stream: IO[bytes], budget: Budget) -> None:
        self._stream = stream
        self._budget = budget

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most a megabyte at a time, so that a bomb is never in memory."""
        content = self._stream.read(min(size, 1 << 20) if size >= 0 else 1 << 20)
        self._budget.take(len(content))
        return content

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        """The next bytes, into memory that is there."""
        content = self.read(len(target))
        target[: len(content)] = content
        return len(content)


def members(name: str, file: IO[bytes], size: int) -> Iterator[Member | tuple[str, str]]:
    """Everything in the archive ``file``; for what cannot come over a pair of its name and why."""
    budget = Budget(size)
    try:
        zipped = zipfile.is_zipfile(file)
        file.seek(0)
        yield from _zip(file, budget) if zipped else _tar(file, budget)
    except (*_BROKEN, ValueError) as wrong:
        yield name, f"the archive is damaged or of an unknown kind: {str(wrong)[:120]}"


def safe_parts(name: str) -> tuple[str, ...]:
    """The parts of a path that leads nowhere but down; :class:`Broken` otherwise."""
    if "\0" in name:
        raise Broken("its name holds a zero byte")
    parts = tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))
    if ".." in parts or name.startswith(("/", "\\")):
        raise Broken("its path leads outside the archive")
    if not parts or len(parts) > 100:
        raise Broken("its path is empty or too deep")
    return parts


def _zip(file: IO[bytes], budget: Budget) -> Iterator[Member | tuple[str, str]]:
    with zipfile.ZipFile(file) as archive:
        for number, info in enumerate(archive.infolist()):
            if number > _MOST_MEMBERS:
                yield "", "the archive has too many files"
                return
            kind = info.external_attr >> 28
            if info.is_dir() or kind == 0o4:
                continue
            try:
                if kind not in (0, 0o10):
                    raise Broken("it is a link or a device, not a file")
                if info.flag_bits & 1:
                    raise Broken("it is encrypted")
                parts = safe_parts(info.filename)
            except Broken as why:
                yield info.filename[:400], str(why)
                continue

            def reader(info: zipfile.ZipInfo = info) -> IO[bytes]:
                return Counted(archive.open(info), budget)  # type: ignore[return-value]

            yield Member(parts, info.file_size, _dos_time(info.date_time), reader)


def _dos_time(date: tuple[int, int, int, int, int, int]) -> float:
    try:
        return datetime(*date).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _tar(file: IO[bytes], budget: Budget) -> Iterator[Member | tuple[str, str]]:
    with tarfile.open(fileobj=file, mode="r|*") as archive:
        for number, info in enumerate(archive):
            # The stream is read on even past what nobody wants, so its size is counted here.
            budget.take(512)
            archive.members = []  # type: ignore[attr-defined]  # else it remembers every member for ever
            if number > _MOST_MEMBERS:
                yield "", "the archive has too many files"
                return
            if info.isdir():
                continue
            try:
                if not info.isreg():
                    raise Broken("it is a link or a device, not a file")
                parts = safe_parts(info.name)
            except Broken as why:
                yield info.name[:400], str(why)
                continue
            stream = archive.extractfile(info)
            if stream is not None:
                found = Counted(stream, budget)
                yield Member(parts, info.size, float(info.mtime), lambda found=found: found, again=False)  # type: ignore[misc]
