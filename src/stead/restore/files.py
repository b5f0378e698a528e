"""A file or a folder as it was: back under its name, or beside what has that name now."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from stead.restore.bulk import content, opened
from stead.restore.catalogue import LAIN, Lain, lain_of, stored_name
from stead.restore.desk import Desk
from stead.restore.foreign import Tree
from stead.restore.glimpses import file_rows
from stead.restore.inside import Gift, live, printable, put
from stead.restore.paths import SHARED, SITE, top_of_files
from stead.restore.sources import Back, Source, say
from stead.services import uids
from stead.services.identity import WATCH
from stead.words.errors import SteadError, UsageError
from stead.words.quantities import say_size

_MOST = 50


@dataclass(frozen=True)
class Version:
    """A file or folder as one copy holds it. ``rows``: the files in it; ``same``: it is there now, just like that."""

    owner: str
    path: str
    source: Source
    rows: tuple[Lain, ...]
    whole: bool
    same: bool = False

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(row.size for row in self.rows)


def inner(path: str) -> str:
    """A path in somebody's files as the catalogue writes it; UsageError when it leads out of them."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UsageError(f"{path} leads out of the files", hint="give the path as WebDAV shows it, without ..")
    return "/".join(parts)


def versions(desk: Desk, owner: str, path: str) -> list[Version]:
    """Every version of ``path`` that the copies asked about hold, the newest first, each content once."""
    full = f"{top_of_files(owner)}/{path}".rstrip("/")
    now = Tree(desk.home.data)
    live_files = _signature(file_rows(now, full))
    found: dict[tuple[object, ...], Version] = {}
    for source in sorted(desk.copies(), key=lambda one: (-one.moment, one.place is not None)):
        rows, whole = _rows(desk, source, full)
        key = _signature(rows)
        if rows:
            found.setdefault(key, Version(owner, path, source, tuple(rows), whole, key == live_files))
    return list(found.values())


def offered(desk: Desk, owner: str, path: str) -> list[Version]:
    """What may be meant by ``path``: one version when a time is given or it is gone, all older ones when it is there.

    Where nothing lies, or lay, just there: files with these words in their path. SteadError when there is nothing.
    """
    found = versions(desk, owner, path)
    if not found and desk.learn_older():
        found = versions(desk, owner, path)
    if desk.as_of is not None or (found and not _taken(desk, found[0])):
        found = found[:1]
    elif found:
        found = [one for one in found if not one.same] or found[:1]
    if not found and desk.as_of is None and path:
        found = search(desk, owner, path)
    require_some(desk, owner, path, found)
    return found[:_MOST]


def search(desk: Desk, owner: str, words: str) -> list[Version]:
    """Files with ``words`` in their path: the newest version of each; those that are not there any more first."""
    like = "%" + re.sub(r"([%_\\])", r"\\\1", words) + "%"
    top = top_of_files(owner) + "/"
    rows = desk.base.execute(
        f"SELECT {LAIN} FROM lain WHERE owner = ? AND kind = 'file' AND path LIKE ? ESCAPE '\\'"
        " ORDER BY until IS NULL, until DESC LIMIT 5000",
        (owner, like),
    )
    now, found = Tree(desk.home.data), dict[str, Version]()
    for row in map(lain_of, rows):
        source = next((one for one in desk.chosen if row.at(one.moment)), None)
        if source is not None and row.path not in found and words.lower() in row.path[len(top) :].lower():
            same = _signature(file_rows(now, row.path)) == _signature([row])
            found[row.path] = Version(owner, row.path[len(top) :], source, (row,), False, same)
    return sorted(found.values(), key=lambda one: (_taken(desk, one), one.path))[:_MOST]


def _rows(desk: Desk, source: Source, full: str) -> tuple[list[Lain], bool]:
    """What lies at ``full`` in a copy (pictures are looked at, backups are known), and whether it is a folder."""
    if source.picture is not None:
        rows = list(file_rows(Tree(source.picture.path), full))
        return rows, not (len(rows) == 1 and rows[0].path == full)
    low, high = stored_name(full + "/"), stored_name(full + "0")
    moment = (source.moment, source.moment)
    question = f"SELECT {LAIN} FROM lain WHERE kind = 'file' AND since <= ? AND (until IS NULL OR ? < until) AND "
    one = list(map(lain_of, desk.base.execute(question + "path = ?", (*moment, stored_name(full)))))
    if one:
        return one, False
    below = desk.base.execute(question + "path >= ? AND path < ? ORDER BY path", (*moment, low, high))
    return list(map(lain_of, below)), True


def _signature(rows: Sequence[Lain] | Iterator[Lain]) -> tuple[object, ...]:
    return tuple(sorted((row.path, row.size, row.mtime) for row in rows))


def file_name(row: Lain) -> str:
    """A file's path as WebDAV shows it."""
    return f"/{row.owner}{row.path[len(top_of_files(row.owner)) :]}"


def line(version: Version) -> tuple[str, ...]:
    """A version as a row of a table."""
    newest = max((row.mtime for row in version.rows), default=0) / 1e9
    what = f"{len(version.rows)} files" if version.whole else say_size(version.size)
    return (
        say(version.source.at),
        printable(version.path or "everything"),
        what,
        say(newest),
        "as it is now" if version.same else "",
        version.source.words(),
    )


def places(version: Version) -> tuple[str, str]:
    """The two names a version may get, as WebDAV shows them: its own, and one beside it that says of when it is."""
    shown = f"/{version.owner}"
    when = say(version.source.at).replace(":", ".")
    if not version.path:
        beside = f"{shown}/as of {when}"
        return beside, beside
    own = PurePosixPath(version.path)
    suffix = "" if version.whole else own.suffix
    stem = own.name.removesuffix(suffix) if suffix else own.name
    return f"{shown}/{own}", f"{shown}/{own.with_name(f'{stem} ({when}){suffix}')}"


def plan(desk: Desk, version: Version) -> str:
    """What would be done, in one sentence."""
    own, beside = places(version)
    if version.same:
        return f"{own}: it is there now, just as it was {say(version.source.at)}; a copy goes beside it, as {beside}"
    what = f"{len(version.rows)} files, {say_size(version.size)}, " if version.whole else ""
    of = f"{what}as of {say(version.source.at)} ({version.source.words()})"
    if _taken(desk, version):
        return f"{own}: it is there now and stays; {of} goes beside it, as {beside}"
    return f"{own}: back under its name, {of}"


def give_back(desk: Desk, version: Version) -> Iterator[Back]:
    """Put a version back, each file compared with what was saved."""
    running = live(desk.home)
    own, beside = places(version)
    top = f"{top_of_files(version.owner)}/{version.path}".rstrip("/")
    begin = beside if version.whole and _taken(desk, version) else own
    user = WATCH if version.owner in (SHARED, SITE) else version.owner

    with opened(desk, version.source, version.rows) as tree:

        def gifts() -> Iterator[Gift]:
            for row in version.rows:
                with content(tree, row, version.source) as file:
                    below = row.path[len(top) :]
                    names = [begin + below] if version.whole else [own, beside]
                    yield Gift({"paths": names, "mtime": row.mtime // 1_000_000_000}, file, row.size)

        for row, answer in zip(
            version.rows, put(running, "files", uids()["webdav"], {"user": user}, gifts()), strict=False
        ):
            where = printable(str(answer.get("path", "")))[:1000]
            if answer.get("refused"):
                desk.troubles.add(f"{printable(row.path)} is left out: {printable(str(answer['refused']))[:100]}")
                continue
            name = printable(row.path.rpartition("/")[2])
            yield Back(name, where, version.source, bool(answer.get("there")))


def _taken(desk: Desk, version: Version) -> bool:
    path = f"{top_of_files(version.owner)}/{version.path}".rstrip("/")
    return Tree(desk.home.data).status(path) is not None


def require_some(desk: Desk, owner: str, path: str, found: Sequence[Version]) -> None:
    """SteadError that says what is known when no copy holds ``path``."""
    if found:
        return
    full = stored_name(f"{top_of_files(owner)}/{path}")
    last = desk.base.execute(
        "SELECT max(until) FROM lain WHERE kind = 'file' AND (path = ? OR path >= ? || '/' AND path < ? || '0')",
        (full, full, full),
    ).fetchone()[0]
    more = f"; it was last in a copy before {say(last)}" if last else ""
    raise SteadError(f"{path} was not there then{more}; {desk.reach()}", hint="another --as-of, or fewer words")
