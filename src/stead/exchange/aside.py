"""An empty folder of a Maildir is filled beside it and put in its place as a whole.

To give each message its name in a second step, after it is on disk, costs a fifth of an import. So what comes into a
folder whose ``cur`` is empty is written under its last name where no program looks for mail; a list beside says which
of it is whole and on disk. In the end that folder takes the place of ``cur``. The kernel does it only while ``cur`` is
empty; if something came in meanwhile, the messages move one by one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress

from stead.exchange.folders import make

#: Beside a Maildir's folders; those begin with a dot.
_ASIDE = "stead-import"
_INBOX = "INBOX"


class Aside:
    """What waits to become the messages of ``folder``; the Maildir is ``box``. Of one writer at a time."""

    def __init__(self, box: str, folder: str) -> None:
        self._box = box
        self._folder = folder
        self._top = f"{box}/{_ASIDE}/{_INBOX if folder == box else os.path.basename(folder)}"
        #: Where messages are written, each under its name.
        self.cur = f"{self._top}/cur"
        self._list = f"{self._top}/whole"
        os.makedirs(self.cur, 0o700, exist_ok=True)

    def note(self, names: Iterable[str]) -> None:
        """These are whole and on disk. That they are noted is on disk with the next sync of the file system."""
        with open(self._list, "ab") as file:
            file.writelines(f"{name}\n".encode() for name in names)

    def show(self) -> None:
        """Put what is whole into the folder, and leave nothing beside."""
        self._drop_what_is_not_whole()
        # Its owner may have deleted the folder meanwhile; the messages are wanted all the same.
        make(self._box, self._folder)
        try:
            os.rename(self.cur, f"{self._folder}/cur")
        except OSError:
            for name in os.listdir(self.cur):
                os.rename(f"{self.cur}/{name}", f"{self._folder}/cur/{name}")
        shutil.rmtree(self._top)
        with suppress(OSError):
            # The last one goes with it.
            os.rmdir(os.path.dirname(self._top))

    def _drop_what_is_not_whole(self) -> None:
        whole: set[bytes] = set()
        if os.path.exists(self._list):
            with open(self._list, "rb") as file:
                whole.update(line.rstrip(b"\n") for line in file)
        for name in os.listdir(self.cur):
            if os.fsencode(name) not in whole:
                os.unlink(f"{self.cur}/{name}")


def is_empty(folder: str) -> bool:
    """Whether the folder has no messages yet."""
    with os.scandir(f"{folder}/cur") as found:
        return next(found, None) is None


def left_over(box: str) -> Iterator[Aside]:
    """What a killed writer left beside the Maildir."""
    top = f"{box}/{_ASIDE}"
    for name in sorted(os.listdir(top)) if os.path.isdir(top) else ():
        yield Aside(box, box if name == _INBOX else f"{box}/{name}")
