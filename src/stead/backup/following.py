"""The manifest made before, brought up to date by what btrfs says was written since: only touched pieces are opened."""

from __future__ import annotations

import os
import stat
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

from stead.backup.altered import Altered, TooMuch
from stead.backup.churn import Churn
from stead.backup.pieces import INODE, PATH, Cutter, Index, Piece, Row, order, read_piece
from stead.backup.walking import FOLDER, row_of, walk

#: Rows put in anew before a walk of everything, which needs less memory, is the better way.
_MOST = 100_000
_OPEN = 8


class Old:
    """The pieces of the manifest before, opened one by one as they are needed; a few stay open."""

    def __init__(self, folder: Path, index: Index) -> None:
        self._folder, self._pieces = folder, index.pieces
        self._firsts = [order(piece.first) for piece in index.pieces]
        self._opened: dict[int, tuple[list[Row], list[list[bytes]]]] = {}

    def remembered(self, row: Row) -> Row | None:
        """The row that was there of the same path."""
        key = order(row[PATH])
        rows, keys = self._open(max(0, bisect_right(self._firsts, key) - 1))
        at = bisect_left(keys, key)
        return rows[at] if at < len(keys) and keys[at] == key else None

    def children(self, folder: str) -> Iterator[tuple[bytes, Row]]:
        """Names and rows directly in a folder, in order; what is deeper is passed over without being opened."""
        top = order(folder)
        key = [*top, b""]
        while (place := self._at(key)) is not None:
            rows, keys = self._open(place[0])
            row, here = rows[place[1]], keys[place[1]]
            if here[: len(top)] != top:
                return
            yield here[len(top)], row
            # The smallest key after everything below this one: no name holds a zero byte.
            key = [*top, here[len(top)] + b"\0"]

    def with_changes(self, gone: Sequence[str], rows: Sequence[Row], churn: Churn) -> tuple[Piece, ...]:
        """The pieces without what is ``gone`` (with everything below it) and with ``rows`` in."""
        put = sorted(((order(row[PATH]), row) for row in rows), key=lambda one: one[0])
        without = sorted(order(path) for path in gone)
        cutter, made, at = Cutter(self._folder), [], 0
        for number, piece in enumerate(self._pieces):
            end = self._firsts[number + 1] if number + 1 < len(self._pieces) else None
            until = len(put) if end is None else bisect_left(put, end, key=lambda one: one[0])
            touched = until > at or self._is_hit(without, self._firsts[number], end)
            if not touched and not cutter.open:
                made.append(piece)
                continue
            for row in self._merged(number, put[at:until], without, churn):
                made += cutter.add(row)
            at = until
        return (*made, *cutter.close())

    @staticmethod
    def _is_hit(without: list[list[bytes]], first: list[bytes], end: list[bytes] | None) -> bool:
        """Whether anything gone, or what lies below it, may be in the piece from ``first`` up to ``end``."""
        at = bisect_left(without, first)
        if at < len(without) and (end is None or without[at] < end):
            return True
        # A folder that is gone may begin pieces before: every beginning of the first key is looked for.
        return any(_holds(without, first[:length]) for length in range(1, len(first) + 1))

    def _merged(
        self, number: int, put: list[tuple[list[bytes], Row]], without: list[list[bytes]], churn: Churn
    ) -> Iterator[Row]:
        rows, keys = self._open(number)
        new = {tuple(key): row for key, row in put}
        kept = []
        for key, row in zip(keys, rows, strict=True):
            now = new.get(tuple(key))
            if now is not None or any(_holds(without, key[:length]) for length in range(1, len(key) + 1)):
                churn.was(row, now)
            else:
                kept.append((key, row))
        for row in new.values():
            churn.found(row)
        return (row for _key, row in sorted([*kept, *put], key=lambda one: one[0]))

    def _at(self, key: list[bytes]) -> tuple[int, int] | None:
        """Piece and position of the first row not before ``key``."""
        number = max(0, bisect_right(self._firsts, key) - 1)
        while number < len(self._pieces):
            at = bisect_left(self._open(number)[1], key)
            if at < len(self._open(number)[1]):
                return number, at
            number += 1
        return None

    def _open(self, number: int) -> tuple[list[Row], list[list[bytes]]]:
        if number not in self._opened:
            while len(self._opened) >= _OPEN:
                del self._opened[next(iter(self._opened))]
            rows = read_piece(self._folder, self._pieces[number])
            self._opened[number] = rows, [order(row[PATH]) for row in rows]
        return self._opened[number]


class Changes:
    """What is ``gone`` since (with everything below it), and the rows ``found`` new or written, digests missing."""

    def __init__(self, root: Path, altered: Altered, old: Old) -> None:
        self._root, self._altered, self._old = root, altered, old
        self.gone: list[str] = []
        self.found: dict[str, Row] = {}
        self._fresh: set[str] = set()
        for folder in sorted(altered.folders, key=order):
            if not _is_ours(folder) and not self._in_fresh(folder):
                self._put(folder, os.lstat(root / folder))
                self._look_into(folder)

    def _in_fresh(self, folder: str) -> bool:
        parts = folder.split("/")
        return any("/".join(parts[:length]) in self._fresh for length in range(1, len(parts) + 1))

    def _look_into(self, folder: str) -> None:
        """Compare what is in a folder now with what was in it."""
        with os.scandir(self._root / folder) as entries:
            there = sorted((os.fsencode(entry.name), entry) for entry in entries)
        before = self._old.children(folder)
        was = next(before, None)
        for name, entry in there:
            while was is not None and was[0] < name:
                self.gone.append(was[1][PATH])
                was = next(before, None)
            row = None
            if was is not None and was[0] == name:
                row, was = was[1], next(before, None)
            self._compare(f"{folder}/{entry.name}" if folder else entry.name, entry, row)
        while was is not None:
            self.gone.append(was[1][PATH])
            was = next(before, None)

    def _compare(self, path: str, entry: os.DirEntry[str], was: Row | None) -> None:
        same = was is not None and was[INODE] == entry.inode()
        if _is_ours(path) or (same and entry.inode() not in self._altered.inodes):
            return
        if was is not None and not same:
            self.gone.append(path)
        info = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(info.st_mode) and not same:
            self._fresh.add(path)
            for below, found in walk(self._root, path):
                self._put(below, found)
        else:
            self._put(path, info)

    def _put(self, path: str, info: os.stat_result) -> None:
        row = row_of(self._root, path, info)
        if row is not None:
            self.found[path or "."] = row
        if len(self.found) > _MOST:
            raise TooMuch


def _is_ours(path: str) -> bool:
    return path == FOLDER or path.startswith(FOLDER + "/")


def _holds(sorted_keys: list[list[bytes]], key: list[bytes]) -> bool:
    at = bisect_left(sorted_keys, key)
    return at < len(sorted_keys) and sorted_keys[at] == key
