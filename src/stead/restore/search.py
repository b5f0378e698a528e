"""Finding: words to candidates, out of the catalogue and the names that are in live data now. No place is asked."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from stead.restore.about import About
from stead.restore.catalogue import LAIN, Lain, lain_of, read_name
from stead.restore.glimpses import Present
from stead.restore.paths import Kind, printable
from stead.restore.sources import Source, holding
from stead.words.quantities import say_time

#: Rows looked at, and candidates told, at most.
_ROWS, MOST = 20_000, 50
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Wanted:
    """What is looked for. ``words`` by column of the catalogue (``any``: all of them); dates in seconds since 1970."""

    owner: str
    kind: Kind
    words: Mapping[str, str] = field(default_factory=dict)
    ident: str | None = None
    folder: str | None = None
    since: float | None = None
    until: float | None = None
    suffix: str = ""

    @property
    def anything(self) -> bool:
        """Whether nothing in particular is asked for."""
        return not (self.words or self.ident or self.folder or self.since or self.until)


@dataclass(frozen=True)
class Candidate:
    """One thing that may be meant. ``rows``: everywhere it lay, the newest first; ``choices``: copies that hold it.

    ``now``: the folder it lies in now (None: it is not there any more).
    """

    about: About
    rows: tuple[Lain, ...]
    choices: tuple[tuple[Source, Lain], ...]
    now: str | None

    @property
    def row(self) -> Lain:
        """The row that would come back."""
        return self.choices[0][1] if self.choices else self.rows[0]

    @property
    def moment(self) -> float:
        """When it is of: its own date, else its file's."""
        return float(self.about.date or self.row.mtime / 1e9)

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` shows it."""
        row, about = self.row, self.about
        source = self.choices[0][0] if self.choices else None
        return {
            "title": about.title,
            "from": about.sender,
            "to": about.others,
            "id": about.ident,
            "date": say_time(datetime.fromtimestamp(self.moment, UTC)),
            "folder": printable(row.folder),
            "size": row.size,
            "now_in": None if self.now is None else printable(self.now),
            "found_in": source.to_json() if source else None,
            "copy_of": say_time(source.at) if source else None,
        }


def find(base: sqlite3.Connection, wanted: Wanted, known: Sequence[Source], present: Present) -> list[Candidate]:
    """The candidates, what is not there any more first, then the newest first."""
    vanished = _vanished(base, wanted, present) if wanted.anything else ()
    matching = [
        Candidate(about, rows := _rows(base, wanted, sha), (), _now(rows, present))
        for sha, about in _matching(base, wanted, vanished)
    ]
    if wanted.anything:
        lately = [one for one in matching if one.now is None]
        matching = sorted(lately, key=lambda one: one.rows[0].until or math.inf, reverse=True)
    else:
        matching.sort(key=lambda one: (one.now is not None, -one.moment))
    # Which copies hold a thing takes the longest to say, so it is asked of those alone that will be told.
    chosen = (replace(one, choices=tuple(holding(known, one.rows))) for one in matching)
    return list(islice((one for one in chosen if one.choices or one.now is not None), MOST))


def _now(rows: Iterable[Lain], present: Present) -> str | None:
    return next((folder for one in rows if (folder := present.folder(one.path)) is not None), None)


def _matching(base: sqlite3.Connection, wanted: Wanted, vanished: Sequence[int]) -> list[tuple[bytes, About]]:
    """Contents that the words fit, each once."""
    found: dict[bytes, About] = {}
    for sha, path, *about in base.execute(*_question(wanted, vanished)):
        if read_name(path).endswith(wanted.suffix):
            found.setdefault(sha, About(*about))
    return list(found.items())


def _rows(base: sqlite3.Connection, wanted: Wanted, sha: bytes) -> tuple[Lain, ...]:
    """Everywhere a content lay, the newest first."""
    values = (sha, wanted.owner, wanted.kind.value)
    rows = base.execute(f"SELECT {LAIN} FROM lain WHERE sha = ? AND owner = ? AND kind = ?", values)
    return tuple(sorted(map(lain_of, rows), key=_age, reverse=True))


def _age(one: Lain) -> tuple[bool, float]:
    return one.until is None, one.until or 0.0


def _vanished(base: sqlite3.Connection, wanted: Wanted, present: Present) -> list[int]:
    """Rows that the newest backup still had and live data has not: what went since."""
    rows = base.execute(
        "SELECT id, path FROM lain WHERE owner = ? AND kind = ? AND until IS NULL", (wanted.owner, wanted.kind.value)
    )
    return [number for number, path in rows if present.folder(read_name(path)) is None][:_ROWS]


def _question(wanted: Wanted, vanished: Sequence[int]) -> tuple[str, list[object]]:
    where, values = ["l.owner = ?", "l.kind = ?"], [wanted.owner, wanted.kind.value]
    given: list[object] = list(values)
    match = " AND ".join(filter(None, (_match(column, words) for column, words in wanted.words.items())))
    if match:
        where.append("t.id IN (SELECT rowid FROM words WHERE words MATCH ?)")
        given.append(match)
    if wanted.ident is not None:
        where.append("t.ident = ?")
        given.append(wanted.ident.strip("<> "))
    if wanted.folder is not None:
        where.append("l.folder = ?")
        given.append(wanted.folder)
    for sign, moment in ((">=", wanted.since), ("<", wanted.until)):
        if moment is not None:
            where.append(f"coalesce(t.date, l.mtime / 1000000000) {sign} ?")
            given.append(moment)
    if wanted.anything:
        where.append(f"(l.until IS NOT NULL OR l.id IN ({', '.join(map(str, vanished))}))")
    question = (
        "SELECT l.sha, l.path, t.title, t.sender, t.others, t.ident, t.date FROM lain l JOIN thing t ON t.sha = l.sha"
        f" WHERE {' AND '.join(where)} ORDER BY l.until IS NULL, l.until DESC LIMIT {_ROWS}"
    )
    return question, given


def _match(column: str, words: str) -> str:
    """A question to the full-text index: every word, each as the beginning of one."""
    quoted = " ".join(f'"{word}"*' for word in _WORD.findall(words))
    return f"{{{'title sender others ident' if column == 'any' else column}}} : ({quoted})" if quoted else ""


def of_time(known: Iterable[Source], as_of: float | None, snapshot: str | None) -> list[Source]:
    """The copies that count: all, or the newest ones (of each kind of source) not after ``as_of``, or one snapshot."""
    every = list(known)
    if snapshot is not None:
        return [one for one in every if one.snapshot.startswith(snapshot) and one.place]
    if as_of is None:
        return every
    before = [one for one in every if one.moment <= as_of]
    newest = max((one.moment for one in before), default=None)
    return [one for one in before if one.moment == newest or _newest_of_its_place(one, before)]


def _newest_of_its_place(source: Source, before: Sequence[Source]) -> bool:
    name = source.place.name if source.place else None
    same = [one.moment for one in before if (one.place.name if one.place else None) == name]
    return source.moment == max(same)
