"""What is missing of a folder or a user, against each copy there is; and all of it back at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from stead.restore.bulk import content, opened
from stead.restore.catalogue import LAIN, Lain, lain_of
from stead.restore.desk import Desk
from stead.restore.files import file_name
from stead.restore.foreign import Tree
from stead.restore.glimpses import Present
from stead.restore.inside import Gift, live, printable, put
from stead.restore.paths import Kind, flags_of
from stead.restore.sources import Back, Source, say
from stead.services import uids
from stead.words.errors import SteadError
from stead.words.quantities import say_size

_USERS = {Kind.MAIL: "vmail", Kind.FILE: "webdav", Kind.ENTRY: "radicale"}
_SCRIPTS = {Kind.MAIL: "mail", Kind.FILE: "files", Kind.ENTRY: "entries"}
_WORDS = {Kind.MAIL: "mails", Kind.FILE: "files", Kind.ENTRY: "entries and contacts"}


@dataclass(frozen=True)
class Missing:
    """What one copy holds and live data does not, of one owner. ``what`` names it for people."""

    owner: str
    what: str
    source: Source
    rows: tuple[Lain, ...]

    def of(self, kind: Kind) -> list[Lain]:
        """The rows of one kind."""
        return [row for row in self.rows if row.kind is kind]


def missing_of(desk: Desk, owner: str, what: str, *, folder: str | None = None) -> list[Missing]:
    """As :func:`found_of`; SteadError when nothing is missing against any copy."""
    found = found_of(desk, owner, what, folder=folder)
    if not found:
        raise SteadError(f"nothing of {what} is missing; {desk.reach()}", hint="stead restore mail and file search it")
    return found


def found_of(desk: Desk, owner: str, what: str, *, folder: str | None = None) -> list[Missing]:
    """Against each copy what is missing now, the newest first; copies against which the same is missing count once.

    ``folder``: only mail of this mailbox and those in it.
    """
    lost = _lost(desk, owner, folder)
    if not lost and desk.learn_older():
        lost = _lost(desk, owner, folder)
    starts = sorted(row.since for row in lost)
    ends = sorted(row.until for row in lost if row.until is not None)
    found: list[Missing] = []
    before = 0
    for source in sorted(desk.copies(), key=lambda one: (-one.moment, one.place is not None)):
        count = bisect_right(starts, source.moment) - bisect_right(ends, source.moment)
        if count and count != before:
            rows = tuple(row for row in _once(lost) if row.at(source.moment))
            found.append(Missing(owner, what, source, rows))
        before = count
    return found


def _lost(desk: Desk, owner: str, folder: str | None) -> list[Lain]:
    """Everything of an owner that is in some copy and not there now: by content, and files by their path."""
    kinds = (Kind.MAIL,) if folder is not None else (Kind.MAIL, Kind.FILE, Kind.ENTRY)
    now = Tree(desk.home.data)
    lost: list[Lain] = []
    for kind in kinds:
        present = Present(desk.home.data, owner, kind)
        if kind is not Kind.FILE:
            present.strangers(desk.base, owner, datetime.now().timestamp())
        there = {row.sha for row in _rows(desk, owner, kind, folder) if _is_there(present, now, row)}
        lost += (
            row for row in _rows(desk, owner, kind, folder) if row.sha not in there and not _is_there(present, now, row)
        )
    return lost


def _rows(desk: Desk, owner: str, kind: Kind, folder: str | None) -> Iterator[Lain]:
    question = f"SELECT {LAIN} FROM lain WHERE owner = ? AND kind = ?"
    for row in map(lain_of, desk.base.execute(question, (owner, kind.value))):
        if folder is None or row.folder == folder or row.folder.startswith(folder + "/"):
            yield row


def _is_there(present: Present, now: Tree, row: Lain) -> bool:
    if row.kind is Kind.FILE:
        return now.status(row.path) is not None
    return present.folder(row.path) is not None


def _once(rows: Sequence[Lain]) -> list[Lain]:
    """Each path once."""
    return list({(row.path, row.sha): row for row in rows}.values())


def line(missing: Missing) -> tuple[str, ...]:
    """A copy, and what is missing against it, as a row of a table."""
    counts = ", ".join(f"{len(found)} {_WORDS[kind]}" for kind in Kind if (found := missing.of(kind)))
    return say(missing.source.at), counts, say_size(sum(row.size for row in missing.rows)), missing.source.words()


def plan(missing: Missing) -> str:
    """What would be done, in one sentence."""
    of = f"as of {say(missing.source.at)} ({missing.source.words()})"
    return f"{missing.what}: {line(missing)[1]} are missing and come back {of}; what is there now stays as it is"


def give_back(desk: Desk, missing: Missing) -> Iterator[Back]:
    """Put everything back that is missing, each thing compared with what was saved."""
    running = live(desk.home)
    with opened(desk, missing.source, missing.rows) as tree:
        for kind in Kind:
            rows = missing.of(kind)
            if not rows:
                continue
            gifts = (_gift(desk, tree, row, missing.source) for row in rows)
            answers = put(running, _SCRIPTS[kind], uids()[_USERS[kind]], {"user": missing.owner}, _closing(gifts))
            for row, answer in zip(rows, answers, strict=False):
                if answer.get("refused"):
                    words = printable(str(answer["refused"]))[:100]
                    desk.troubles.add(f"{printable(row.path)} is left out: {words}")
                    continue
                where = printable(str(answer.get("folder", answer.get("path", ""))))[:300]
                yield Back(kind.value, where, missing.source, bool(answer.get("there")))


def _closing(gifts: Iterator[Gift]) -> Iterator[Gift]:
    for gift in gifts:
        yield gift
        if gift.content is not None:
            gift.content.close()


def _gift(desk: Desk, tree: Tree, row: Lain, source: Source) -> Gift:
    file, name = content(tree, row, source), row.path.rpartition("/")[2]
    about: dict[str, object]
    if row.kind is Kind.MAIL:
        found = desk.base.execute("SELECT ident FROM thing WHERE sha = ?", (row.sha,)).fetchone()
        ident = found[0] if found else ""
        flags = flags_of(row.path, lambda path: tree.read(path, 1 << 14) or b"")
        about = {"folder": row.folder, "ident": ident, "flags": flags, "date": row.mtime / 1e9}
    elif row.kind is Kind.ENTRY:
        about = {"folder": row.folder, "name": name, "title": row.folder}
    else:
        about = {"paths": [file_name(row)], "mtime": row.mtime // 1_000_000_000}
    return Gift(about, file, row.size)
