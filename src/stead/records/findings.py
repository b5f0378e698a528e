"""Findings: rows that are opened and closed; while one is open its ``since`` stays what it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime

from stead.records.nouns import Change
from stead.records.store import Store
from stead.words.quantities import read_time, say_time
from stead.words.verdict import Finding, Severity


class Findings(Store):
    """What the owner should know, and how states changed."""

    def set_findings(self, source: str, found: Iterable[Finding], at: datetime) -> tuple[Finding, ...]:
        """Make ``found`` the open findings of a source: new ones open, those not found again close.

        Returned are the open ones with the ``since`` of when they were first found. ``source`` names the check
        (``data``, ``live`` ...), so that one check never closes what another found.
        """
        wanted = {finding.id: finding for finding in found}
        moment = say_time(at)
        with self.transaction() as db:
            rows = db.execute("SELECT * FROM finding WHERE source = ? AND closed_at IS NULL", (source,)).fetchall()
            for row in rows:
                if row["id"] not in wanted:
                    db.execute("UPDATE finding SET closed_at = ? WHERE number = ?", (moment, row["number"]))
            for finding in wanted.values():
                db.execute(
                    """INSERT INTO finding (id, severity, what, next, source, since) VALUES (?,?,?,?,?,?)
                       ON CONFLICT (id) WHERE closed_at IS NULL DO UPDATE
                       SET severity = excluded.severity, what = excluded.what, next = excluded.next""",
                    (finding.id, finding.severity.value, finding.what, finding.next, source, finding.since or moment),
                )
        return tuple(finding for finding in self.open_findings() if finding.id in wanted)

    def open_findings(self, *, besides: str | None = None) -> tuple[Finding, ...]:
        """The open findings, oldest first; without those of the source ``besides``."""
        query = "SELECT * FROM finding WHERE closed_at IS NULL AND source IS NOT ? ORDER BY number"
        return tuple(map(_finding, self.rows(query, besides)))

    def closed_findings(self, *, limit: int = 50) -> tuple[tuple[Finding, datetime], ...]:
        """Findings that are over, and when they ended, newest first."""
        rows = self.rows("SELECT * FROM finding WHERE closed_at IS NOT NULL ORDER BY number DESC LIMIT ?", limit)
        return tuple((_finding(row), read_time(row["closed_at"])) for row in rows)

    def set_state(self, subject: str, new: str, why: str, at: datetime) -> bool:
        """Note the state of a subject; a row is made only if it changed (True)."""
        with self.transaction() as db:
            row = db.execute(
                "SELECT new FROM change WHERE subject = ? ORDER BY number DESC LIMIT 1", (subject,)
            ).fetchone()
            old = row["new"] if row else None
            if old == new:
                return False
            db.execute(
                "INSERT INTO change (at, subject, old, new, why) VALUES (?,?,?,?,?)",
                (say_time(at), subject, old, new, why),
            )
        return True

    def changes(self, subject: str | None = None, *, limit: int = 50) -> tuple[Change, ...]:
        """The latest changes of state (of a subject), newest first."""
        query = "SELECT * FROM change WHERE subject = coalesce(?, subject) ORDER BY number DESC LIMIT ?"
        return tuple(
            Change(read_time(r["at"]), r["subject"], r["old"], r["new"], r["why"])
            for r in self.rows(query, subject, limit)
        )


def _finding(row: sqlite3.Row) -> Finding:
    return Finding(row["id"], Severity(row["severity"]), row["what"], row["since"], row["next"])
