"""Proofs: stored verdicts with their evidence, chained by digests so that a later change of one shows."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from stead.records.nouns import Proof
from stead.records.schema import SEEN
from stead.records.store import Store, read_json, write_json
from stead.words.quantities import read_time, say_time
from stead.words.verdict import Verdict


class Proofs(Store):
    """The proofs of one host."""

    def save_proof(self, kind: str, verdict: Verdict, at: datetime, seconds: float, evidence: Mapping[str, Any]) -> int:
        """Store a verdict; its number is returned."""
        fields = (kind, verdict.value, say_time(at), float(seconds), write_json(evidence))
        with self.transaction() as db:
            last = db.execute("SELECT digest FROM proof ORDER BY id DESC LIMIT 1").fetchone()
            previous = last["digest"] if last else ""
            row = db.execute(
                "INSERT INTO proof (kind, verdict, at, seconds, evidence, previous, digest) VALUES (?,?,?,?,?,?,?)",
                (*fields, previous, _digest(previous, *fields)),
            )
        return int(row.lastrowid or 0)

    def proof(self, number: int) -> Proof | None:
        """The proof of that number."""
        row = self.row("SELECT * FROM proof WHERE id = ?", number)
        return _proof(row) if row else None

    def proofs(self, kind: str | None = None, *, limit: int = 50) -> tuple[Proof, ...]:
        """The latest proofs (of a kind), newest first."""
        query = "SELECT * FROM proof WHERE kind = coalesce(?, kind) ORDER BY id DESC LIMIT ?"
        return tuple(map(_proof, self.rows(query, kind, limit)))

    def last_proof(
        self, kind: str, place: str, *, method: str = "mounted", age: str = "newest", verdict: Verdict | None = None
    ) -> Proof | None:
        """The newest proof of a place, of one way and one age of backup (with that verdict)."""
        found = self.last_proofs(kind, place, method=method, age=age, verdict=verdict, limit=1)
        return next(iter(found), None)

    def last_proofs(
        self,
        kind: str,
        place: str,
        *,
        method: str = "mounted",
        age: str = "newest",
        verdict: Verdict | None = None,
        limit: int = 20,
    ) -> tuple[Proof, ...]:
        """The newest such proofs, newest first."""
        seen = " AND ".join(f"{SEEN[name]} = ?" for name in ("place", "method", "age"))
        query = (
            f"SELECT * FROM proof WHERE kind = ? AND {seen} AND verdict = coalesce(?, verdict) ORDER BY id DESC LIMIT ?"
        )
        values = (kind, place, method, age, verdict.value if verdict else None, limit)
        return tuple(map(_proof, self.rows(query, *values)))

    def altered_proofs(self) -> tuple[int, ...]:
        """Numbers of the proofs whose content or chain is not as it was stored; empty: all are."""
        altered, previous = [], None
        for row in self.connection.execute("SELECT * FROM proof ORDER BY id"):
            expected = _digest(row["previous"], *(row[name] for name in _CHAINED))
            if row["digest"] != expected or (previous is not None and row["previous"] != previous):
                altered.append(int(row["id"]))
            previous = row["digest"]
        return tuple(altered)


_CHAINED = ("kind", "verdict", "at", "seconds", "evidence")


def _digest(previous: str, *fields: object) -> str:
    return hashlib.sha256("\0".join([previous, *map(str, fields)]).encode()).hexdigest()


def _proof(row: sqlite3.Row) -> Proof:
    return Proof(
        row["id"],
        row["kind"],
        Verdict(row["verdict"]),
        read_time(row["at"]),
        row["seconds"],
        read_json(row["evidence"]),
    )
