"""The catalogue: what was where from when to when, and what mails and entries say about themselves. One SQLite file.

It is a cache: made from manifests and pictures, made again when it is lost or damaged, and never believed about
content (what comes back is compared with the manifest's SHA-256).
"""

from __future__ import annotations

import os
import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stead.restore.about import About
from stead.restore.paths import Kind
from stead.words.home import Home

_SCHEMA = 1
_TABLES = """
CREATE TABLE thing (id INTEGER PRIMARY KEY, sha BLOB NOT NULL UNIQUE, title TEXT NOT NULL, sender TEXT NOT NULL,
    others TEXT NOT NULL, ident TEXT NOT NULL, date INTEGER);
CREATE INDEX thing_ident ON thing (ident);
CREATE VIRTUAL TABLE words USING fts5 (title, sender, others, ident, content='thing', content_rowid='id',
    tokenize="unicode61 remove_diacritics 2");
CREATE TRIGGER thing_words AFTER INSERT ON thing BEGIN
    INSERT INTO words (rowid, title, sender, others, ident)
    VALUES (new.id, new.title, new.sender, new.others, new.ident); END;
CREATE TRIGGER thing_gone AFTER DELETE ON thing BEGIN
    INSERT INTO words (words, rowid, title, sender, others, ident)
    VALUES ('delete', old.id, old.title, old.sender, old.others, old.ident); END;
CREATE TABLE lain (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL, folder TEXT NOT NULL,
    path TEXT NOT NULL, sha BLOB NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL, since REAL NOT NULL,
    until REAL, piece INTEGER);
CREATE INDEX lain_path ON lain (path);
CREATE INDEX lain_sha ON lain (sha);
CREATE INDEX lain_piece ON lain (piece) WHERE until IS NULL;
CREATE INDEX lain_owner ON lain (owner, kind, until);
CREATE TABLE piece (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE);
CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE seen (picture TEXT PRIMARY KEY);
CREATE TABLE met (place TEXT NOT NULL, snapshot TEXT NOT NULL, at REAL NOT NULL, manifest TEXT NOT NULL,
    PRIMARY KEY (place, snapshot));
CREATE TABLE learnt (manifest TEXT PRIMARY KEY);
"""


@dataclass(frozen=True)
class Lain:
    """A path with one content from ``since`` until before ``until`` (seconds since 1970; None: it still is).

    Both are times of copies: it was there in every copy made between them. ``mtime`` in nanoseconds.
    """

    kind: Kind
    owner: str
    folder: str
    path: str
    sha: bytes
    size: int
    mtime: int
    since: float
    until: float | None = None

    def at(self, moment: float) -> bool:
        """Whether a copy made at ``moment`` holds it."""
        return self.since <= moment and (self.until is None or moment < self.until)


#: A time so short that no other copy falls into it.
MOMENT = 0.001
_AT_ONCE = 10_000
LAIN = "kind, owner, folder, path, sha, size, mtime, since, until"


def file_of(home: Home) -> Path:
    """Where the catalogue lies."""
    return home.lib / "cache/catalogue.db"


@contextmanager
def catalogue(home: Home) -> Iterator[sqlite3.Connection]:
    """The catalogue, open; a damaged one, or one of another program's version, is thrown away and begun anew."""
    file = file_of(home)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        base = _open(file)
    except sqlite3.DatabaseError as damaged:
        if isinstance(damaged, sqlite3.OperationalError) and "locked" in str(damaged):
            raise
        forget(home)
        base = _open(file)
    try:
        yield base
    finally:
        base.close()


def forget(home: Home) -> None:
    """Throw the catalogue away; the next look begins it anew."""
    for rest in ("", "-wal", "-shm"):
        Path(f"{file_of(home)}{rest}").unlink(missing_ok=True)


def _open(file: Path) -> sqlite3.Connection:
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    os.close(handle)
    base = sqlite3.connect(file, timeout=30, isolation_level=None)
    # A cache may lose its last moments in a power cut, but must stay whole.
    base.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16384;")
    version = int(base.execute("PRAGMA user_version").fetchone()[0])
    if version == 0:
        base.execute("BEGIN IMMEDIATE")
        if int(base.execute("PRAGMA user_version").fetchone()[0]) == 0:
            for statement in _statements(_TABLES):
                base.execute(statement)
            base.execute(f"PRAGMA user_version = {_SCHEMA}")
        base.execute("COMMIT")
    elif version != _SCHEMA:
        base.close()
        raise sqlite3.DatabaseError("another version")
    return base


def tidy(base: sqlite3.Connection, moments: Iterable[float]) -> int:
    """Drop what no copy holds any more (``moments``: when the copies that there are were made); rows dropped."""
    when = sorted(moments)
    closed = base.execute("SELECT id, since, until FROM lain WHERE until IS NOT NULL")
    doomed = [(number,) for number, since, until in closed if bisect_left(when, since) == bisect_left(when, until)]
    with writing(base):
        base.executemany("DELETE FROM lain WHERE id = ?", doomed)
        base.execute("DELETE FROM thing WHERE sha NOT IN (SELECT sha FROM lain)")
    return len(doomed)


def _statements(text: str) -> Iterator[str]:
    whole = ""
    for line in text.splitlines():
        whole += line + "\n"
        if sqlite3.complete_statement(whole):
            yield whole
            whole = ""


@contextmanager
def writing(base: sqlite3.Connection) -> Iterator[None]:
    """A change that is kept whole or not at all."""
    base.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        base.execute("ROLLBACK")
        raise
    base.execute("COMMIT")


def note(base: sqlite3.Connection, name: str) -> str | None:
    """A remark kept in the catalogue."""
    row = base.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else None


def set_note(base: sqlite3.Connection, name: str, value: object) -> None:
    """Keep a remark."""
    base.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, str(value)))


def lain_of(row: Sequence[Any]) -> Lain:
    """A row of :data:`LAIN` columns."""
    kind, owner, folder, path, *rest = row
    return Lain(Kind(kind), owner, read_name(folder), read_name(path), *rest)


def stored_name(name: str) -> str | bytes:
    """A path as SQLite can keep it: bytes where it is no text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name)
    return name


def read_name(value: str | bytes) -> str:
    """The path kept by :func:`stored_name`."""
    return value if isinstance(value, str) else os.fsdecode(value)


def add_lain(base: sqlite3.Connection, rows: Iterable[tuple[Lain, int | None]]) -> None:
    """Enter what lay somewhere, each with the piece of the newest manifest that lists it (None: no piece does)."""
    base.executemany(
        "INSERT INTO lain (kind, owner, folder, path, sha, size, mtime, since, until, piece)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((*_columns(one), piece) for one, piece in rows),
    )


def _columns(one: Lain) -> tuple[object, ...]:
    folder, path = stored_name(one.folder), stored_name(one.path)
    return (one.kind.value, one.owner, folder, path, one.sha, one.size, one.mtime, one.since, one.until)


def add_things(base: sqlite3.Connection, things: Iterable[tuple[bytes, About]]) -> None:
    """Keep what things say about themselves, by their SHA-256."""
    rows = ((sha, one.title, one.sender, one.others, one.ident, one.date) for sha, one in things)
    base.executemany(
        "INSERT OR IGNORE INTO thing (sha, title, sender, others, ident, date) VALUES (?, ?, ?, ?, ?, ?)", rows
    )


def is_read(base: sqlite3.Connection, sha: bytes) -> bool:
    """Whether it is known what a content says about itself."""
    return base.execute("SELECT 1 FROM thing WHERE sha = ?", (sha,)).fetchone() is not None


def widen(base: sqlite3.Connection, rows: Iterable[Lain], last: float) -> None:
    """Enter what copies between each row's ``since`` and ``last`` list; a row that is there gets longer."""
    until = last + MOMENT
    for one in rows:
        path = stored_name(one.path)
        changed = base.execute(
            "UPDATE lain SET since = min(since, ?), until = CASE WHEN until IS NULL THEN NULL ELSE max(until, ?) END"
            " WHERE path = ? AND sha = ?",
            (one.since, until, path, one.sha),
        )
        if not changed.rowcount:
            add_lain(base, [(replace(one, until=until), None)])


def learnt(base: sqlite3.Connection) -> frozenset[str]:
    """The manifests that were taken in, by their digests."""
    return frozenset(digest for (digest,) in base.execute("SELECT manifest FROM learnt"))


def note_learnt(base: sqlite3.Connection, manifests: Iterable[str]) -> None:
    """Remember that manifests were taken in."""
    base.executemany("INSERT OR IGNORE INTO learnt VALUES (?)", ((digest,) for digest in manifests))


def unread(
    base: sqlite3.Connection, *, at: float | None = None, ever: bool = False
) -> Iterator[list[tuple[bytes, Kind, str]]]:
    """Mails and entries of which nothing is known yet, some thousands at once: SHA-256, kind, path.

    Those that are there now, or were there ``at`` a time, or ``ever``.
    """
    there: str
    values: tuple[float, ...]
    there, values = ("1", ()) if ever else ("until IS NULL", ())
    if at is not None:
        there, values = "since <= ? AND (until IS NULL OR ? < until)", (at, at)
    question = (
        f"SELECT max(id), sha, kind, path FROM (SELECT * FROM lain WHERE id > ? AND {there}"
        f" AND kind IN ('mail', 'entry') AND sha NOT IN (SELECT sha FROM thing)"
        f" ORDER BY id LIMIT {_AT_ONCE}) GROUP BY sha ORDER BY 1"
    )
    last = 0
    while found := base.execute(question, (last, *values)).fetchall():
        last = found[-1][0]
        yield [(sha, Kind(kind), read_name(path)) for _id, sha, kind, path in found]
