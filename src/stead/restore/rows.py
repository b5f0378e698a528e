"""From a manifest's rows to what the catalogue keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stead.backup import Row
from stead.restore.catalogue import Lain
from stead.restore.paths import named

_PATH, _TYPE, _SIZE, _MTIME, _CONTENT = 0, 1, 5, 6, 7


def things(rows: Iterable[Row], at: float) -> Iterator[Lain]:
    """What of a manifest's rows can come back by itself; it lay there when the copy was made ``at``."""
    for row in rows:
        if row[_TYPE] != "file" or not row[_CONTENT]:
            continue
        what = named(row[_PATH])
        if what is not None:
            sha = bytes.fromhex(row[_CONTENT])
            yield Lain(what.kind, what.owner, what.folder, row[_PATH], sha, row[_SIZE], row[_MTIME], at)
