"""What the owner named: folders and files of this computer, opened by the broker and handed to the reader one by one.

The broker lists names and opens plain files; it looks into none of them, and follows no link.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stead.words.errors import UsageError

#: How the README of an export begins, and what its files are marked with.
EXPORT, EXPORT_BEGINS = "stead-export", b"Everything of "
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
Lost = Callable[[str, str, str], None]


@dataclass(frozen=True)
class Found:
    """One plain file: its path below the source, the name of the source, and whether the owner named it itself."""

    path: Path
    parts: tuple[str, ...]
    beneath: str
    top: bool
    size: int
    date: float


def check(sources: tuple[Path, ...]) -> None:
    """Refuse early what is not there."""
    for source in sources:
        if not source.exists():
            raise UsageError(
                f"there is no {source}", hint="name a file or folder, or an account such as imaps://me@host"
            )


def walk(sources: tuple[Path, ...], lost: Lost) -> Iterator[Found]:
    """Every plain file of the sources. A link the owner named is followed, one inside a folder is not."""
    for named in sources:
        source = named.resolve()
        if not source.is_dir():
            yield _found(source, (source.name,), "", source.stat(), top=True)
            continue
        first = _first(source)
        waiting: list[tuple[str, ...]] = [()]
        while waiting:
            inside = waiting.pop()
            yield from _folder(source, inside, first, waiting, lost)


def _first(source: Path) -> tuple[str, ...]:
    """Parts to put before, so that the reader sees what the folder is: a Takeout, or what ``stead export`` wrote."""
    if source.name.casefold() == "takeout":
        return (source.name,)
    try:
        with (source / "README.txt").open("rb") as told:
            return (EXPORT,) if told.read(len(EXPORT_BEGINS)) == EXPORT_BEGINS else ()
    except OSError:
        return ()


def _folder(
    source: Path, inside: tuple[str, ...], first: tuple[str, ...], waiting: list[tuple[str, ...]], lost: Lost
) -> Iterator[Found]:
    folder = source.joinpath(*inside)
    try:
        entries = os.scandir(folder)
    except OSError as problem:
        lost("/".join(inside), str(source), f"the folder cannot be read: {problem.strerror}")
        return
    with entries:
        for entry in entries:
            parts = (*inside, entry.name)
            if entry.is_dir(follow_symlinks=False):
                waiting.append(parts)
            elif entry.is_file(follow_symlinks=False):
                yield _found(
                    Path(entry.path), (*first, *parts), source.name, entry.stat(follow_symlinks=False), top=False
                )
            else:
                lost("/".join(parts), str(source), "it is a link or a device, not a file")


def _found(path: Path, parts: tuple[str, ...], beneath: str, there: os.stat_result, *, top: bool) -> Found:
    return Found(path, parts, beneath, top, there.st_size, there.st_mtime)


def open_found(found: Found) -> int | None:
    """A descriptor to hand over; None when it is no plain file any more. OSError when it cannot be opened."""
    handle = os.open(found.path, _OPEN)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    return handle
