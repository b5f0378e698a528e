"""Calendar entries and contacts back: when they are gone; else a copy with a UID of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

from stead.restore.desk import Desk
from stead.restore.foreign import Tree
from stead.restore.inside import Gift, live, printable, put
from stead.restore.paths import printable as shown
from stead.restore.search import Candidate
from stead.restore.sources import Back, Source, fetched, say
from stead.services import uids

_PROPERTIES = 1 << 16
EVENT, CONTACT = ".ics", ".vcf"


def title(candidate: Candidate) -> str:
    """An entry in few words."""
    return candidate.about.title or "(without a name)"


def plan(candidate: Candidate) -> str:
    """What would be done, in one sentence."""
    folder = shown(candidate.row.folder)
    if candidate.now is not None:
        return f"{title(candidate)}: it is still in {folder} and stays; if it was changed, a copy comes beside it"
    return f"{title(candidate)}: back into {folder}"


def line(candidate: Candidate) -> tuple[str, ...]:
    """An entry as a row of a table."""
    source = candidate.choices[0][0] if candidate.choices else None
    return (
        say(candidate.about.date) if candidate.about.date else "",
        title(candidate)[:60],
        shown(candidate.row.folder),
        "still there" if candidate.now is not None else "not there now",
        source.words() if source else "only in live data",
        say(source.at) if source else "",
    )


def give_back(desk: Desk, owner: str, candidates: Sequence[Candidate]) -> Iterator[Back]:
    """Put entries back, one after the other, each compared with what was saved."""
    running, came = live(desk.home), list[Source]()

    def gifts() -> Iterator[Gift]:
        for one in candidates:
            with fetched(desk.home, desk.program, one.choices, desk.troubles) as (source, row, content):
                came.append(source)
                name = row.path.rpartition("/")[2]
                about = {"folder": row.folder, "name": name, "title": _collection(desk, row.path, row.folder)}
                yield Gift(about, content, os.fstat(content.fileno()).st_size)

    answers = put(running, "entries", uids()["radicale"], {"user": owner}, gifts())
    for one, answer, source in zip(candidates, answers, came, strict=False):
        folder = printable(str(answer.get("folder", "")))[:200]
        if answer.get("refused"):
            desk.troubles.add(f"{title(one)} was refused ({printable(str(answer['refused']))[:100]})")
            continue
        where = f"{folder}, as a copy" if answer.get("copy") else folder
        yield Back(title(one), where, source, bool(answer.get("there")))


def _collection(desk: Desk, path: str, folder: str) -> str:
    """The name people gave to a collection, if it or a picture of it is here; else its folder's."""
    file = path.rpartition("/")[0] + "/.Radicale.props"
    roots = [desk.home.data, *(one.picture.path for one in desk.sources if one.picture is not None)]
    for root in roots:
        content = Tree(root).read(file, _PROPERTIES)
        if content is not None:
            with suppress(ValueError, AttributeError):
                return str(json.loads(content).get("D:displayname") or folder)[:200]
    return folder
