"""The tables, as numbered migrations. A migration that has shipped is never changed; add one below it."""

from __future__ import annotations

import sqlite3

from stead.words.errors import SteadError

#: What a proof is of, out of its evidence; drills say how and of which age, older ones said nothing.
SEEN = {
    name: f"CASE WHEN json_valid(evidence) THEN coalesce(json_extract(evidence, '$.{name}'), '{otherwise}') END"
    for name, otherwise in (("place", ""), ("method", "mounted"), ("age", "newest"))
}

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE proof (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, verdict TEXT NOT NULL,
            at TEXT NOT NULL, seconds REAL NOT NULL, evidence TEXT NOT NULL, previous TEXT NOT NULL,
            digest TEXT NOT NULL)""",
        "CREATE INDEX proof_by_kind ON proof (kind, id)",
        """CREATE TABLE act (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, intent TEXT NOT NULL,
            doer TEXT NOT NULL, begun_at TEXT NOT NULL, ended_at TEXT, outcome TEXT,
            detail TEXT NOT NULL DEFAULT '')""",
        "CREATE INDEX act_open ON act (id) WHERE ended_at IS NULL",
        """CREATE TABLE step (id INTEGER PRIMARY KEY AUTOINCREMENT,
            act INTEGER NOT NULL REFERENCES act (id) ON DELETE CASCADE, name TEXT NOT NULL, intent TEXT NOT NULL,
            begun_at TEXT NOT NULL, ended_at TEXT, outcome TEXT)""",
        "CREATE INDEX step_by_act ON step (act, id)",
        """CREATE TABLE probe (service TEXT NOT NULL, name TEXT NOT NULL, verdict TEXT NOT NULL, seconds REAL NOT NULL,
            detail TEXT NOT NULL, checked_at TEXT NOT NULL, place_in_round INTEGER NOT NULL,
            PRIMARY KEY (service, name))""",
        """CREATE TABLE snapshot (place TEXT NOT NULL, id TEXT NOT NULL, data_at TEXT NOT NULL, release TEXT,
            detail TEXT NOT NULL, PRIMARY KEY (place, id))""",
        "CREATE INDEX snapshot_by_time ON snapshot (place, data_at)",
        """CREATE TABLE finding (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, severity TEXT NOT NULL,
            what TEXT NOT NULL, next TEXT NOT NULL, source TEXT NOT NULL, since TEXT NOT NULL, closed_at TEXT)""",
        "CREATE UNIQUE INDEX finding_open ON finding (id) WHERE closed_at IS NULL",
        """CREATE TABLE change (number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, subject TEXT NOT NULL,
            old TEXT, new TEXT NOT NULL, why TEXT NOT NULL)""",
        "CREATE INDEX change_by_subject ON change (subject, number)",
        """CREATE TABLE measured (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, seconds REAL NOT NULL,
            at TEXT NOT NULL)""",
        "CREATE INDEX measured_by_name ON measured (name, number)",
        """CREATE TABLE noted (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, at TEXT NOT NULL,
            content TEXT NOT NULL)""",
        "CREATE INDEX noted_by_kind ON noted (kind, number)",
    ),
    (
        "CREATE TABLE alert_state (one INTEGER PRIMARY KEY CHECK (one = 1), content TEXT NOT NULL)",
        """CREATE TABLE sent (number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, way TEXT NOT NULL,
            kind TEXT NOT NULL, good INTEGER NOT NULL, detail TEXT NOT NULL, about TEXT NOT NULL)""",
    ),
    # 3: the last proof of a place is found however many others were made since.
    (f"CREATE INDEX proof_by_place ON proof (kind, {SEEN['place']}, {SEEN['method']}, {SEEN['age']}, id)",),
)


def migrate(connection: sqlite3.Connection, migrations: tuple[tuple[str, ...], ...] = MIGRATIONS) -> None:
    """Bring the file to the newest schema: all or nothing, one process at a time (SQLite's write lock)."""
    if _version(connection) == len(migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)
        if version > len(migrations):
            raise SteadError(
                f"the records were written by a newer Stead (schema {version}, this one knows {len(migrations)})",
                hint="run the newer program; stead doctor names its version",
            )
        for statements in migrations[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
