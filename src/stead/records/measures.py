"""What was measured: probes, snapshots, durations, inventories."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from stead.records.nouns import CheckedProbe, Measured, Noted, Snapshot
from stead.records.store import Store, read_json, write_json
from stead.words.probe import ProbeResult
from stead.words.quantities import read_time, say_time
from stead.words.verdict import Verdict

#: An expected duration is the median of this many of the last ones: one slow run does not move it.
_LAST = 5


class Measures(Store):
    """Measurements of the live machine and of work done."""

    def save_probes(self, results: Iterable[ProbeResult], at: datetime) -> None:
        """Keep these as the latest results; probes of these services that no longer exist are forgotten."""
        found = list(results)
        with self.transaction() as db:
            for service in {result.service for result in found}:
                db.execute("DELETE FROM probe WHERE service = ?", (service,))
            for number, p in enumerate(found):
                db.execute(
                    "INSERT OR REPLACE INTO probe VALUES (?,?,?,?,?,?,?)",
                    (p.service, p.name, p.verdict.value, p.seconds, p.detail, say_time(at), number),
                )

    def probes(self) -> tuple[CheckedProbe, ...]:
        """The latest result of each probe, in the order they ran."""
        return tuple(map(_checked, self.rows("SELECT * FROM probe ORDER BY place_in_round, service, name")))

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Note a good backup."""
        values = (snapshot.place, snapshot.id, say_time(snapshot.data_at), snapshot.release)
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO snapshot VALUES (?,?,?,?,?)", (*values, write_json(snapshot.detail)))

    def snapshots(self, place: str) -> tuple[Snapshot, ...]:
        """All backups known to be in a place, newest first."""
        return tuple(map(_snapshot, self.rows("SELECT * FROM snapshot WHERE place = ? ORDER BY data_at DESC", place)))

    def newest_snapshot(self, place: str, *, until: datetime | None = None) -> Snapshot | None:
        """The newest backup of a place (that is not of after ``until``: a wrong clock makes such)."""
        query = "SELECT * FROM snapshot WHERE place = ? AND data_at <= ? ORDER BY data_at DESC LIMIT 1"
        row = self.row(query, place, say_time(until) if until else "9999")
        return _snapshot(row) if row else None

    def snapshot(self, place: str, id_: str) -> Snapshot | None:
        """One backup of a place, by its full id."""
        row = self.row("SELECT * FROM snapshot WHERE place = ? AND id = ?", place, id_)
        return _snapshot(row) if row else None

    def first_snapshot(self, place: str) -> Snapshot | None:
        """The oldest backup known to be in a place."""
        row = self.row("SELECT * FROM snapshot WHERE place = ? ORDER BY data_at LIMIT 1", place)
        return _snapshot(row) if row else None

    def forget_snapshots(self, place: str, ids: Iterable[str]) -> None:
        """These were taken out of the place on purpose."""
        with self.transaction() as db:
            db.executemany("DELETE FROM snapshot WHERE place = ? AND id = ?", [(place, i) for i in ids])

    def save_measured(self, name: str, seconds: float, at: datetime) -> None:
        """Note how long something took; the last twenty of a name are kept."""
        with self.transaction() as db:
            db.execute("INSERT INTO measured (name, seconds, at) VALUES (?,?,?)", (name, seconds, say_time(at)))
            db.execute(
                """DELETE FROM measured WHERE name = ?1 AND number NOT IN
                   (SELECT number FROM measured WHERE name = ?1 ORDER BY number DESC LIMIT 20)""",
                (name,),
            )

    def measured(self, name: str) -> Measured | None:
        """The latest measurement of a name."""
        row = self.row("SELECT * FROM measured WHERE name = ? ORDER BY number DESC LIMIT 1", name)
        return Measured(row["name"], row["seconds"], read_time(row["at"])) if row else None

    def expected(self, name: str) -> float | None:
        """The seconds something will take: the median of the last five times (None: never measured)."""
        query = "SELECT seconds FROM measured WHERE name = ? ORDER BY number DESC LIMIT ?"
        found = sorted(row["seconds"] for row in self.rows(query, name, _LAST))
        return (found[(len(found) - 1) // 2] + found[len(found) // 2]) / 2 if found else None

    def note(self, kind: str, content: Mapping[str, Any], at: datetime) -> None:
        """Keep a small dated thing, such as an inventory; the last fifty of a kind are kept."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO noted (kind, at, content) VALUES (?,?,?)", (kind, say_time(at), write_json(content))
            )
            db.execute(
                """DELETE FROM noted WHERE kind = ?1 AND number NOT IN
                   (SELECT number FROM noted WHERE kind = ?1 ORDER BY number DESC LIMIT 50)""",
                (kind,),
            )

    def noted(self, kind: str) -> Noted | None:
        """The latest thing noted of a kind."""
        row = self.row("SELECT * FROM noted WHERE kind = ? ORDER BY number DESC LIMIT 1", kind)
        return Noted(read_time(row["at"]), read_json(row["content"])) if row else None


def _checked(row: sqlite3.Row) -> CheckedProbe:
    result = ProbeResult(row["name"], row["service"], Verdict(row["verdict"]), row["seconds"], row["detail"])
    return CheckedProbe(result, read_time(row["checked_at"]))


def _snapshot(row: sqlite3.Row) -> Snapshot:
    return Snapshot(row["place"], row["id"], read_time(row["data_at"]), row["release"], read_json(row["detail"]))
