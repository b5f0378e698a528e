"""The story of an import: sources are handed to the reader, what it finds goes past the ledger to the writers, batch by
batch; what does not come over is written into a report.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stead.exchange import sources
from stead.exchange.batch import Batch
from stead.exchange.cut_off import lock_file, take_up
from stead.exchange.helpers import Reader, Writers
from stead.exchange.items import Item, Kind, pass_on, receive
from stead.exchange.ledger import Ledger, ledger_file
from stead.exchange.pace import Pace
from stead.exchange.report import Report
from stead.exchange.room import Room
from stead.run import lock
from stead.settings import Settings
from stead.words.errors import SteadError, UsageError
from stead.words.home import Home
from stead.words.progress import Progress

_PATIENCE = 3.0


@dataclass(frozen=True)
class Wanted:
    """What the owner asked for. ``account`` (with its password) is read by the reader only and never shown."""

    user: str
    files: tuple[Path, ...] = ()
    account: dict[str, Any] | None = field(default=None, repr=False)
    kind: str | None = None
    into: str | None = None


def bring_in(home: Home, settings: Settings, wanted: Wanted, progress: Progress) -> Report:
    """Import, and return the report. Interrupted anywhere, the same call goes on.

    Raises UsageError for sources that are not there, SteadError when the helper cannot go on or room runs out.
    """
    sources.check(wanted.files)
    with ExitStack() as opened:
        # The keeper holds it for a moment now and then.
        held = lock(lock_file(home, wanted.user), wait=_PATIENCE)
        if held is None:
            raise UsageError(f"an import for {wanted.user} is under way", hint="wait until it has ended")
        opened.callback(os.close, held)
        report = opened.enter_context(Report.open(home, wanted.user))
        ledger = opened.enter_context(Ledger(ledger_file(home.data, wanted.user)))
        writers = opened.enter_context(Writers(home.data, wanted.user))
        take_up(home.data, ledger, writers)
        batch = Batch(home.data, ledger, writers, report)
        errors = opened.enter_context(tempfile.TemporaryFile())
        with progress.step(f"importing for {wanted.user}"):
            room = Room(home, settings, wanted.user)
            pace = Pace(progress, sum(f.size for f in sources.walk(wanted.files, lambda *_: None)))
            with _reader(home, wanted, ledger, report, errors) as reader:
                whole = _Taking(batch, ledger, report, room, pace).all(reader)
            batch.flush()
        if not whole:
            errors.seek(0)
            said = errors.read()[-600:].decode("utf-8", "replace").strip().rpartition("\n")[2]
            said = "".join(c for c in said if c.isprintable())
            raise SteadError(
                f"the import stopped before its end: {said or 'the helper that reads it was ended'}",
                hint="run the same import again: it goes on where it stopped",
            )
        return report.finished()


@contextmanager
def _reader(home: Home, wanted: Wanted, ledger: Ledger, report: Report, errors: Any) -> Iterator[Reader]:
    """A reader with a thread beside it that hands it the files."""
    job: dict[str, Any] = {"as": wanted.kind, "into": wanted.into, "spool": str(home.lib)}
    if wanted.account is not None:
        job["account"] = {**wanted.account, "marks": ledger.marks()}
    reader = Reader(job, errors)

    def hand() -> None:
        try:
            for found in sources.walk(wanted.files, report.lost):
                _hand(reader, found, report)
            reader.no_more()
        except OSError:
            # The reader has ended: whoever reads its frames notices.
            return

    feeding = threading.Thread(target=hand, daemon=True)
    feeding.start()
    try:
        yield reader
    finally:
        reader.close()
        feeding.join(30)


def _hand(reader: Reader, found: sources.Found, report: Report) -> None:
    try:
        handle = sources.open_found(found)
    except OSError as problem:
        report.lost("/".join(found.parts), found.beneath, f"it cannot be read: {problem.strerror}")
        return
    if handle is None:
        return
    note = {"parts": found.parts, "beneath": found.beneath, "top": found.top, "size": found.size, "date": found.date}
    try:
        reader.hand(note, handle)
    finally:
        os.close(handle)


@dataclass
class _Taking:
    """What every frame of the reader goes through."""

    batch: Batch
    ledger: Ledger
    report: Report
    room: Room
    pace: Pace

    def all(self, reader: Reader) -> bool:
        """Take every frame; whether the reader came to its end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            while True:
                head = receive(reader.frames)
                if head is None or head.get("what") == "end":
                    return head is not None
                if head.get("what") == "file":
                    reader.next_file()
                elif "what" in head:
                    self._note(head)
                else:
                    self._items([Item.read(row) for row in head["items"]], reader, nowhere)
        except (EOFError, ValueError, KeyError):
            # It was ended in the middle, or is not itself any more.
            return False
        finally:
            os.close(nowhere)

    def _items(self, items: list[Item], reader: Reader, nowhere: int) -> None:
        if len(items) > 1 and any(item.at < 0 or item.kind is not Kind.MAIL for item in items):
            raise ValueError("only messages that lie in a file come together")
        taken = self.batch.take(items)
        wanted = [item for item in taken if item is not None]
        for item in wanted:
            self.room.need(item)
        if wanted:
            self.batch.add(wanted, reader)
        for item, new in zip(items, taken, strict=True):
            if new is None:
                self.report.known(item)
                if item.at < 0:
                    pass_on(reader.frames, nowhere, item.size)
        self.pace.tell(self.report.count)

    def _note(self, head: dict[str, Any]) -> None:
        what = head["what"]
        if what == "lost":
            self.report.lost(str(head["name"]), str(head["where"]), str(head["why"]))
        elif what == "at":
            self.pace.at(int(head["bytes"]), self.report.count)
        elif what == "total":
            self.pace.total = int(head["bytes"])
        elif what == "mark":
            # Everything before the mark must be in place before it is remembered.
            self.batch.flush()
            self.ledger.set_marks({str(head["name"])[:500]: str(head["value"])[:500]})
