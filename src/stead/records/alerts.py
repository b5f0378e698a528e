"""What was sent to the owner, and the alerts room's state as one text it can read again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from stead.records.store import Store
from stead.words.quantities import read_time, say_time


@dataclass(frozen=True)
class Sent:
    """One message on one way: ``kind`` is ``alarm``, ``over``, ``test`` or ``letter``, ``about`` the findings in it."""

    at: datetime
    way: str
    kind: str
    good: bool
    detail: str
    about: tuple[str, ...] = ()


class Alerts(Store):
    """The records of the alerts room."""

    def save_sent(self, messages: Iterable[Sent]) -> None:
        """Note what became of messages."""
        rows = [(say_time(m.at), m.way, m.kind, int(m.good), m.detail, "\n".join(m.about)) for m in messages]
        with self.transaction() as db:
            db.executemany("INSERT INTO sent (at, way, kind, good, detail, about) VALUES (?,?,?,?,?,?)", rows)

    def sent(self, kinds: Sequence[str] = (), *, limit: int = 50) -> tuple[Sent, ...]:
        """The latest messages (of some kinds), newest first."""
        found = map(_sent, self.rows("SELECT * FROM sent ORDER BY number DESC LIMIT ?", limit))
        return tuple(message for message in found if not kinds or message.kind in kinds)

    def alert_state(self) -> str | None:
        """The state kept last."""
        row = self.row("SELECT content FROM alert_state")
        return str(row["content"]) if row else None

    def save_alert_state(self, content: str) -> None:
        """Keep the state in place of the one before."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO alert_state (one, content) VALUES (1, ?)", (content,))


def _sent(row: sqlite3.Row) -> Sent:
    about = tuple(str(row["about"]).splitlines())
    return Sent(read_time(row["at"]), row["way"], row["kind"], bool(row["good"]), row["detail"], about)
