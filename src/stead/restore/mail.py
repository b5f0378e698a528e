"""Mail back: one, or what is missing of a folder. Into its folder, or into ``Restored`` beside the original."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial

from stead.restore.desk import Desk
from stead.restore.inside import Gift, Visit, live, printable
from stead.restore.paths import flags_of
from stead.restore.paths import printable as shown
from stead.restore.search import Candidate
from stead.restore.sources import Back, Source, beside, fetched, say
from stead.services import uids
from stead.words.home import Home
from stead.words.quantities import say_size

#: Where a mail goes whose original is still in its folder.
SPARE = "Restored"


def plan(candidate: Candidate) -> str:
    """What would be done with a mail, in one sentence."""
    folder, now = candidate.row.folder, candidate.now
    what = f"{title(candidate)}: "
    if now == folder:
        return what + f"it is still in {shown(folder)}, so a copy goes into the folder {SPARE}"
    moved = f" (it is also in {shown(now)} now, and stays there)" if now is not None else ""
    return what + f"back into the folder {shown(folder)}{moved}"


@contextmanager
def ready(home: Home, owner: str, *, sure: bool) -> Iterator[Visit | None]:
    """The mail program inside the machine, getting ready beside the search where it is ``sure`` to be needed."""
    if not sure:
        yield None
        return
    with _visit(home, owner) as visit:
        yield visit


def _visit(home: Home, owner: str) -> Visit:
    return Visit(live(home), "mail", uids()["vmail"], {"user": owner})


def give_back(
    desk: Desk, owner: str, candidates: Sequence[Candidate], visit: Visit | None, *, spare: bool = True
) -> Iterator[Back]:
    """Put mails back, one after the other, each compared with what was saved. ``spare`` False: only what is missing."""
    came = list[Source]()

    def gifts() -> Iterator[Gift]:
        for one in candidates:
            with fetched(desk.home, desk.program, one.choices, desk.troubles) as (source, row, content):
                came.append(source)
                about = {
                    "folder": row.folder,
                    "spare": SPARE if spare else None,
                    "ident": one.about.ident,
                    "flags": flags_of(row.path, partial(beside, desk.home, desk.program, source)),
                    "date": row.mtime / 1e9,
                }
                yield Gift(about, content, os.fstat(content.fileno()).st_size)

    with nullcontext(visit) if visit is not None else _visit(desk.home, owner) as ready_now:
        for one, answer, source in zip(candidates, ready_now.give(gifts()), came, strict=False):
            where = printable(str(answer.get("folder", "")))[:200]
            yield Back(title(one), f"the folder {where}", source, bool(answer.get("there")))


def title(candidate: Candidate) -> str:
    """A mail in few words."""
    return candidate.about.title or "(no subject)"


def line(candidate: Candidate) -> tuple[str, ...]:
    """A mail as a row of a table: date, from, subject, folder, size, where it is now, where it was found, of when."""
    source = candidate.choices[0][0] if candidate.choices else None
    return (
        say(candidate.moment),
        candidate.about.sender[:32],
        title(candidate)[:48],
        shown(candidate.row.folder),
        say_size(candidate.row.size),
        f"now in {shown(candidate.now)}" if candidate.now is not None else "not there now",
        source.words() if source else "only in live data",
        say(source.at) if source else "",
    )
