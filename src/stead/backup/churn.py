"""How much of what lay still is gone or has another content: counted while a manifest is made.

Only settled files count, those not written to for a day: caches, indexes, markers and mail that comes and goes change
all the time. A file that was only moved (the same content elsewhere) is neither gone nor rewritten.
"""

from __future__ import annotations

from dataclasses import dataclass

from stead.backup.pieces import CONTENT, CTIME, TYPE, Row, Shift

_SETTLED = 86400.0


@dataclass(frozen=True)
class _Lost:
    content: int
    rewritten: bool


class Churn:
    """Collects what was and what is; memory goes with what changed."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._lost: list[_Lost] = []
        self._new: set[int] = set()

    def was(self, row: Row, now: Row | None) -> None:
        """A row of before that is not as it was; ``now`` is the file at the same path, if there is one."""
        if row[TYPE] == "file" and row[CTIME] < (self._now - _SETTLED) * 1e9:
            self._lost.append(_Lost(_short(row), now is not None))

    def found(self, row: Row) -> None:
        """A row that was not there so before."""
        if row[TYPE] == "file":
            self._new.add(_short(row))

    def shift(self, files: int) -> Shift:
        """What it comes to; ``files`` were there before."""
        missing = [one for one in self._lost if one.content not in self._new]
        rewritten = sum(one.rewritten for one in missing)
        return Shift(self._now, files, len(missing) - rewritten, rewritten)


def _short(row: Row) -> int:
    return int(row[CONTENT][:16], 16)
