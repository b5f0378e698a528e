"""Making a manifest: by walking everything, or, where btrfs knows what changed, by looking at that alone.

Digests are remembered in the manifest made before: a file with the same inode, size and change time was not written
to. The change time is the kernel's and cannot be set by whoever owns the file, so it is trusted where mtime is not.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path

from stead.backup.altered import Altered, TooMuch, origin
from stead.backup.churn import Churn
from stead.backup.following import Changes, Old
from stead.backup.pieces import (
    CONTENT,
    CTIME,
    INODE,
    PATH,
    SIZE,
    TYPE,
    Cutter,
    Index,
    Piece,
    Row,
    order,
    read_index,
    rows_of,
    write_index,
)
from stead.backup.walking import FOLDER, row_of, walk

#: Following changes is trusted for so long; then everything is looked at again.
_WALK_EVERY = 86400.0
_SHIFTS_KEPT = 86400.0
_AT_ONCE = 1 << 18
_BATCH = 2048
_READERS = 2
_PORTION = 64


def write_manifest(root: Path, left_out: Sequence[str] = (), *, now: float | None = None) -> Index:
    """Bring the manifest in the picture in the making at ``root`` up to date; only root may be able to write there.

    ``left_out`` are folders that were emptied in it: when they become others, everything is walked. ``now`` is the
    time that counts (default: the clock's).
    """
    now = time.time() if now is None else now
    folder = root / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    old, came, churn = _usable(folder), origin(root), Churn(now)
    pieces = _followed(root, folder, old, Index((), came, tuple(left_out)), now) if old else None
    if pieces is not None and old is not None:
        made, churn = pieces
        walked_at = old.walked_at
    else:
        made, walked_at = _walked(root, folder, old, churn), now
    shifts = [shift for shift in (old.shifts if old else ()) if 0 <= now - shift.at < _SHIFTS_KEPT]
    if old:
        shifts.append(churn.shift(sum(piece.files for piece in old.pieces)))
    index = Index(made, came, tuple(left_out), walked_at, tuple(shifts))
    write_index(folder, index)
    return index


def carry_manifest(picture: Path, live: Path) -> None:
    """Give the live tree the manifest of its newest picture: the next picture begins with it.

    Only what is new is copied; the index comes last, so that a copy broken off is never taken for a whole one.
    """
    source, target = picture / FOLDER, live / FOLDER
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    index = read_index(source)
    if index is None:
        return
    there = set(os.listdir(target))
    for piece in index.pieces:
        if piece.name not in there:
            (target / piece.name).write_bytes((source / piece.name).read_bytes())
    write_index(target, index)


def _usable(folder: Path) -> Index | None:
    """The manifest made before, if it is whole."""
    try:
        index = read_index(folder)
        if index and all((folder / piece.name).stat().st_size == piece.length for piece in index.pieces):
            return index
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _followed(
    root: Path, folder: Path, old: Index, wanted: Index, now: float
) -> tuple[tuple[Piece, ...], Churn] | None:
    """The pieces, made from the old ones and what btrfs says was written since; None: walk instead."""
    fresh = 0 <= now - old.walked_at < _WALK_EVERY
    same = old.origin and wanted.origin and old.origin.parent == wanted.origin.parent
    if not old.origin or not same or old.left_out != wanted.left_out or not fresh:
        return None
    try:
        altered = Altered(root, old.origin.transaction, most=100_000)
        before = Old(folder, old)
        changes = Changes(root, altered, before)
        found = sorted(changes.found.values(), key=lambda row: order(row[PATH]))
        rows = list(_digested(root, found, before.remembered))
        churn = Churn(now)
        return before.with_changes(changes.gone, rows, churn), churn
    except (TooMuch, ValueError, FileNotFoundError):
        return None


def _walked(root: Path, folder: Path, old: Index | None, churn: Churn) -> tuple[Piece, ...]:
    memory = _Memory(rows_of(folder, old) if old else iter(()), churn)
    cutter = Cutter(folder)
    pieces: list[Piece] = []
    rows = (row for path, info in walk(root) if (row := row_of(root, path, info)) is not None)
    for row in _digested(root, rows, memory.of):
        pieces += cutter.add(row)
        memory.compare(row)
    memory.end()
    return (*pieces, *cutter.close())


def _digested(root: Path, rows: Iterable[Row], remembered: Callable[[Row], Row | None]) -> Iterator[Row]:
    """The rows with the digest of each file: remembered, or read by some readers at once."""
    waiting = iter(rows)
    with ThreadPoolExecutor(_READERS) as pool:
        while batch := list(islice(waiting, _BATCH)):
            unread = []
            for row in batch:
                if row[TYPE] == "file":
                    known = remembered(row)
                    row[CONTENT] = known[CONTENT] if known is not None and _same(known, row) else None
                    if row[CONTENT] is None:
                        unread.append(row)
            paths = [f"{root}/{row[PATH]}" for row in unread]
            # In portions: a task for each small mail would cost more than reading it.
            portions = [paths[at : at + _PORTION] for at in range(0, len(paths), _PORTION)]
            digests = chain.from_iterable(pool.map(lambda portion: [sha256_of(path) for path in portion], portions))
            for row, digest in zip(unread, digests, strict=True):
                row[CONTENT] = digest
            yield from batch


def _same(known: Row, row: Row) -> bool:
    return bool(known[INODE] == row[INODE] and known[CTIME] == row[CTIME] and known[SIZE] == row[SIZE])


def sha256_of(path: str) -> str:
    """The SHA-256 of a file's content; a link is refused."""
    digest = hashlib.sha256()
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NOATIME | os.O_CLOEXEC)
    try:
        while block := os.read(handle, _AT_ONCE):
            digest.update(block)
    finally:
        os.close(handle)
    return digest.hexdigest()


class _Memory:
    """The rows of the manifest before, read side by side with a walk: memory does not grow with the data."""

    def __init__(self, rows: Iterator[Row], churn: Churn) -> None:
        self._rows, self._churn = rows, churn
        self._matched: dict[str, Row] = {}
        self._next = self._advance()

    def of(self, row: Row) -> Row | None:
        """The row of the same path; paths must be asked for in their order."""
        self._pass_over(order(row[PATH]), row[PATH])
        if self._next is None or self._next[PATH] != row[PATH]:
            return None
        known, self._next = self._next, self._advance()
        self._matched[row[PATH]] = known
        return known

    def compare(self, row: Row) -> None:
        """Count a file whose digest is known by now."""
        known = self._matched.pop(row[PATH], None)
        if row[TYPE] == "file" and (known is None or known[CONTENT] != row[CONTENT]):
            self._churn.found(row)
            if known is not None:
                self._churn.was(known, row)

    def end(self) -> None:
        """What was not asked for is gone."""
        self._pass_over(None, None)

    def _pass_over(self, key: list[bytes] | None, path: str | None) -> None:
        while self._next is not None and self._next[PATH] != path and (key is None or order(self._next[PATH]) < key):
            self._churn.was(self._next, None)
            self._next = self._advance()

    def _advance(self) -> Row | None:
        try:
            return next(self._rows, None)
        except (OSError, ValueError):
            # A damaged memory only costs time: everything after it is read again.
            return None
