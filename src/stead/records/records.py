"""All records of one host in one object, and how old ones go so that the file stays small."""

from __future__ import annotations

from datetime import datetime, timedelta

from stead.records.acts import Acts
from stead.records.alerts import Alerts
from stead.records.findings import Findings
from stead.records.measures import Measures
from stead.records.proofs import Proofs
from stead.words.quantities import say_time

#: What is kept of each table: (condition that a row may go, number of newest rows that always stay).
_KEPT_DAYS = 90
_PRUNED = (
    ("proof", "id", "at < ?", 200),
    ("act", "id", "ended_at < ?", 200),
    ("finding", "number", "closed_at < ?", 100),
    ("change", "number", "at < ?", 500),
    ("sent", "number", "at < ?", 100),
)
_MOST_ROWS = 20_000


class Records(Proofs, Acts, Findings, Measures, Alerts):
    """The records of one host: ``Records(home.records)``, used as a context manager."""

    def prune(self, now: datetime) -> int:
        """Drop what is older than ninety days, and the oldest of whatever grew too long; returns rows dropped."""
        before = say_time(now - timedelta(days=_KEPT_DAYS))
        dropped = 0
        with self.transaction() as db:
            for table, key, old, kept in _PRUNED:
                newest = f"SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT"
                query = f"DELETE FROM {table} WHERE {old} AND {key} NOT IN ({newest} {kept})"
                dropped += db.execute(query, (before,)).rowcount
                ended = "" if table in ("proof", "change") else f"AND {old.split()[0]} IS NOT NULL"
                dropped += db.execute(
                    f"DELETE FROM {table} WHERE {key} NOT IN ({newest} {_MOST_ROWS}) {ended}"
                ).rowcount
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return dropped
