"""Acts: the intent is saved before, the outcome after, so what a killed process left half-done can be found."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stead.records.nouns import Act, Step
from stead.records.store import Store, read_json, write_json
from stead.words.quantities import read_time, say_time


class Acts(Store):
    """What was set out to do, and what became of it."""

    @contextmanager
    def act(self, kind: str, intent: Mapping[str, Any]) -> Iterator[Acting]:
        """Do the body as an act; how it ends is recorded, an error's message too."""
        number = self.begin_act(kind, intent)
        try:
            yield Acting(self, number)
        except BaseException as error:
            self.end_act(number, "failed", str(error) or type(error).__name__)
            raise
        self.end_act(number, "done")

    def begin_act(self, kind: str, intent: Mapping[str, Any]) -> int:
        """Save the intent; the act's number is returned."""
        values = (kind, write_json(intent), _doer(), _now())
        with self.transaction() as db:
            row = db.execute("INSERT INTO act (kind, intent, doer, begun_at) VALUES (?,?,?,?)", values)
        return int(row.lastrowid or 0)

    def end_act(self, number: int, outcome: str, detail: str = "") -> None:
        """Save the outcome (``done``, ``failed``, ``undone``); the first one saved stands."""
        with self.transaction() as db:
            db.execute(
                "UPDATE act SET ended_at = ?, outcome = ?, detail = ? WHERE id = ? AND ended_at IS NULL",
                (_now(), outcome, detail[:2000], number),
            )

    def begin_step(self, act: int, name: str, intent: Mapping[str, Any]) -> int:
        """Save that a step of an act begins; the step's number is returned."""
        with self.transaction() as db:
            row = db.execute(
                "INSERT INTO step (act, name, intent, begun_at) VALUES (?,?,?,?)",
                (act, name, write_json(intent), _now()),
            )
        return int(row.lastrowid or 0)

    def end_step(self, number: int, outcome: str) -> None:
        """Save a step's outcome."""
        with self.transaction() as db:
            db.execute(
                "UPDATE step SET ended_at = ?, outcome = ? WHERE id = ? AND ended_at IS NULL",
                (_now(), outcome, number),
            )

    def acts(self, kind: str | None = None, *, limit: int = 50) -> tuple[Act, ...]:
        """The latest acts (of a kind), newest first."""
        query = "SELECT * FROM act WHERE kind = coalesce(?, kind) ORDER BY id DESC LIMIT ?"
        return tuple(self._act(row) for row in self.rows(query, kind, limit))

    def unfinished_acts(self) -> tuple[Act, ...]:
        """Acts that have no outcome and whose process is gone: killed half-way, or cut off by a power cut."""
        rows = self.rows("SELECT * FROM act WHERE ended_at IS NULL ORDER BY id")
        return tuple(self._act(row) for row in rows if not _lives(row["doer"]))

    def _act(self, row: sqlite3.Row) -> Act:
        steps = tuple(map(_step, self.rows("SELECT * FROM step WHERE act = ? ORDER BY id", row["id"])))
        return Act(
            row["id"],
            row["kind"],
            read_json(row["intent"]),
            read_time(row["begun_at"]),
            _time(row["ended_at"]),
            row["outcome"],
            row["detail"],
            steps,
        )


class Acting:
    """An act under way."""

    def __init__(self, acts: Acts, number: int) -> None:
        self._acts = acts
        self.number = number

    @contextmanager
    def step(self, name: str, /, **intent: Any) -> Iterator[None]:
        """Do the body as a named step."""
        number = self._acts.begin_step(self.number, name, intent)
        try:
            yield
        except BaseException:
            self._acts.end_step(number, "failed")
            raise
        self._acts.end_step(number, "done")


def _step(row: sqlite3.Row) -> Step:
    return Step(
        row["name"], read_json(row["intent"]), read_time(row["begun_at"]), _time(row["ended_at"]), row["outcome"]
    )


def _time(text: str | None) -> datetime | None:
    return read_time(text) if text else None


def _now() -> str:
    return say_time(datetime.now(UTC))


def _doer() -> str:
    """This process, unmistakably: boot, pid and start time (a pid alone may be used again)."""
    return f"{_boot()} {os.getpid()} {_start_time(os.getpid())}"


def _lives(doer: str) -> bool:
    boot, pid, started = doer.split(" ")
    return boot == _boot() and _start_time(int(pid)) == started


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _start_time(pid: int) -> str:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "gone"
    return "gone" if fields[0] == "Z" else fields[19]
