"""Files into an account's own folder. What is there under the same name with other content stays: ours goes beside."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from stead.exchange.items import Item
from stead.exchange.letters import Broken
from stead.exchange.pieces import Pieces
from stead.exchange.writing import forget, sync_all

#: The files service neither shows nor takes names that begin so.
_HIDDEN = ".stead-"
_BESIDE = ".stead-import-"
_REFUSED = re.compile("[\x00-\x1f\x7f\\\\\ud800-\udfff]")
_LONGEST = 240


@dataclass(frozen=True)
class _Waiting:
    beside: str
    place: str
    digest: bytes


class Keeping:
    """The files of one account."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._number = 0

    def begin(self) -> None:
        """Sweep what a killed run left: it all lies right below the root."""
        for name in os.listdir("/"):
            if name.startswith(_BESIDE):
                os.unlink(f"/{name}")

    def add(self, item: Item, pieces: Pieces) -> str | None:
        """Write the file beside, with its date."""
        place = _place(item.where)
        self._number += 1
        beside = f"/{_BESIDE}{self._number}"
        digest = hashlib.blake2b()
        try:
            with open(beside, "xb") as file:
                while piece := pieces.read():
                    digest.update(piece)
                    file.write(piece)
            if item.date > 0:
                os.utime(beside, (item.date, item.date))
        except OSError:
            if os.path.exists(beside):
                os.unlink(beside)
            raise
        self._waiting.append(_Waiting(beside, place, digest.digest()))
        return None

    def flush(self) -> Callable[[], list[str]]:
        """Everything to disk, then under its name."""
        waiting, self._waiting = self._waiting, []
        return partial(self._show_all, waiting)

    def _show_all(self, waiting: list[_Waiting]) -> list[str]:
        sync_all("/")
        return [self._show(one) for one in waiting]

    def end(self) -> None:
        """Nothing waits for it here."""

    def there(self, items: Sequence[Item]) -> list[bool]:
        """Never told by the name alone: the content is compared when it comes again."""
        return [False] * len(items)

    def _show(self, one: _Waiting) -> str:
        try:
            forget(one.beside)
            for place in _candidates(one.place):
                _make(os.path.dirname(place))
                try:
                    os.link(one.beside, place)
                except FileExistsError:
                    if _same(place, one.digest):
                        return "known"
                    continue
                return "added"
            return "too many files of this name are there already"
        except OSError as problem:
            return f"it could not be written: {problem.strerror}"
        finally:
            os.unlink(one.beside)


def _candidates(place: str) -> list[str]:
    stem, end = os.path.splitext(place)
    return [place, f"{stem} (imported){end}", *(f"{stem} (imported {n}){end}" for n in range(2, 100))]


def _place(path: str) -> str:
    """Where a path leads here: every part is a plain name, none is hidden or too long."""
    parts = [_part(part) for part in path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or len(parts) > 60:
        raise Broken("its path is empty, too deep, or leads outside")
    place = "/" + "/".join(parts)
    if len(place.encode()) > 3000:
        raise Broken("its path is too long")
    return place


def _part(part: str) -> str:
    name = _REFUSED.sub("_", unicodedata.normalize("NFC", part))
    if name.startswith(_HIDDEN):
        name = "_" + name[1:]
    if len(name.encode()) > _LONGEST:
        stem, end = os.path.splitext(name)
        end = end if len(end.encode()) < 20 else ""
        mark = hashlib.blake2b(name.encode(), digest_size=4).hexdigest()
        name = stem.encode()[: _LONGEST - 40].decode("utf-8", "ignore") + f" {mark}{end}"
    return name


def _make(folder: str) -> None:
    """Make the folders of a path; a link in the way is refused by its own error (the root here is the account's)."""
    os.makedirs(folder, 0o700, exist_ok=True)


def _same(place: str, digest: bytes) -> bool:
    if not os.path.isfile(place) or os.path.islink(place):
        return False
    found = hashlib.blake2b()
    with open(place, "rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    return found.digest() == digest
