"""Records: what is stored comes back, in spite of kills, of others writing, of an older or newer file."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stead.records import Records, Snapshot
from stead.records.schema import MIGRATIONS, SEEN, migrate
from stead.words.errors import SteadError
from stead.words.probe import ProbeResult
from stead.words.verdict import Finding, Severity, Verdict

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    with Records(tmp_path / "lib" / "records.db") as found:
        yield found


def finding(key: str, what: str = "w", severity: Severity = Severity.WARNING) -> Finding:
    return Finding(key, severity, what, "", "do this")


def test_proofs_come_back_newest_first(records: Records) -> None:
    one = records.save_proof("drill", Verdict.PASS, NOW, 6.2, {"place": "attic", "n": 1})
    two = records.save_proof("backup", Verdict.FAIL, NOW, 1, {})
    assert [p.id for p in records.proofs()] == [two, one]
    (drill,) = records.proofs("drill")
    assert drill == records.proof(one) and drill.evidence["place"] == "attic" and drill.at == NOW
    assert records.proof(99) is None


def test_an_altered_proof_shows(records: Records) -> None:
    for number in range(4):
        records.save_proof("drill", Verdict.PASS, NOW, number, {})
    assert records.altered_proofs() == ()
    records.connection.execute("UPDATE proof SET verdict = 'fail' WHERE id = 2")
    assert records.altered_proofs() == (2,)
    records.connection.execute("DELETE FROM proof WHERE id = 3")
    assert records.altered_proofs() == (2, 4)


def test_acts_and_steps(records: Records) -> None:
    with records.act("backup", {"place": "attic"}) as act, act.step("picture", name="p1"):
        assert records.unfinished_acts() == ()  # its process lives
    with pytest.raises(SteadError), records.act("backup", {}) as act, act.step("copy"):
        raise SteadError("the place is full")
    failed, done = records.acts("backup")
    assert (done.outcome, done.steps[0].name, done.steps[0].intent) == ("done", "picture", {"name": "p1"})
    assert (failed.outcome, failed.detail, failed.steps[0].outcome) == ("failed", "the place is full", "failed")


def _killed_in_a_step(path: Path) -> None:
    with Records(path) as records, records.act("drill", {"machine": "r-1"}) as act, act.step("mount", at="/x"):
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_act_is_found_with_its_open_step(records: Records, tmp_path: Path) -> None:
    child = multiprocessing.get_context("spawn").Process(
        target=_killed_in_a_step, args=(tmp_path / "lib" / "records.db",)
    )
    child.start()
    child.join()
    (act,) = records.unfinished_acts()
    assert act.intent == {"machine": "r-1"} and act.outcome is None
    assert act.steps[0].intent == {"at": "/x"} and act.steps[0].outcome is None
    records.end_act(act.id, "undone", "unmounted")
    records.end_act(act.id, "done")
    assert records.unfinished_acts() == () and records.acts()[0].outcome == "undone"


def test_latest_probe_results(records: Records) -> None:
    def result(name: str, verdict: Verdict, service: str = "mail") -> ProbeResult:
        return ProbeResult(name, service, verdict, 0.1, "d")

    records.save_probes([result("read", Verdict.FAIL), result("old", Verdict.PASS)], NOW)
    records.save_probes([result("page", Verdict.PASS, "web")], NOW)
    records.save_probes([result("receive", Verdict.PASS), result("read", Verdict.PASS)], NOW + timedelta(minutes=5))
    found = {(c.result.service, c.result.name): c for c in records.probes()}
    assert set(found) == {("mail", "receive"), ("mail", "read"), ("web", "page")}
    assert found["mail", "read"].result.verdict is Verdict.PASS
    assert found["mail", "read"].checked_at == NOW + timedelta(minutes=5)


def test_snapshots_of_a_place(records: Records) -> None:
    for minute in (1, 3, 2):
        records.save_snapshot(Snapshot("attic", f"s{minute}", NOW + timedelta(minutes=minute), "r-1", {"files": 3}))
    assert [s.id for s in records.snapshots("attic")] == ["s3", "s2", "s1"]
    records.forget_snapshots("attic", ["s3"])
    newest = records.newest_snapshot("attic")
    assert newest is not None and newest.id == "s2" and newest.detail == {"files": 3}
    assert records.newest_snapshot("cellar") is None


def test_a_finding_keeps_its_since_until_it_closes(records: Records) -> None:
    later = NOW + timedelta(hours=1)
    records.set_findings("data", [finding("full", "80 %")], NOW)
    (still,) = records.set_findings("data", [finding("full", "90 %", Severity.ALARM)], later)
    assert (still.since, still.what, still.severity) == ("2026-01-02T03:04:05Z", "90 %", Severity.ALARM)
    records.set_findings("live", [], later)
    assert len(records.open_findings()) == 1 and records.open_findings(besides="data") == ()
    records.set_findings("data", [], later)
    assert records.open_findings() == ()
    ((closed, at),) = records.closed_findings()
    assert closed.id == "full" and at == later
    (again,) = records.set_findings("data", [finding("full")], later)
    assert again.since == "2026-01-02T04:04:05Z"


def test_a_change_of_state_is_a_row(records: Records) -> None:
    assert records.set_state("sleep", "no", "first look", NOW)
    assert not records.set_state("sleep", "no", "again", NOW)
    assert records.set_state("sleep", "yes", "drill passed", NOW)
    assert [(c.old, c.new) for c in records.changes("sleep")] == [("no", "yes"), (None, "no")]


def test_expected_is_the_median_of_the_last_five(records: Records) -> None:
    assert records.expected("boot") is None
    for seconds in (100, 100, 1, 2, 3, 4, 90):
        records.save_measured("boot", seconds, NOW)
    assert records.expected("boot") == 3
    last = records.measured("boot")
    assert last is not None and last.seconds == 90
    records.save_measured("two", 1, NOW)
    records.save_measured("two", 2, NOW)
    assert records.expected("two") == 1.5


def test_growth_is_bounded(records: Records) -> None:
    for number in range(60):
        records.save_measured("x", number, NOW)
        records.note("inventory", {"n": number}, NOW)
        records.end_act(records.begin_act("a", {}), "done")
    assert records.rows("SELECT count(*) AS n FROM measured")[0]["n"] == 20
    assert records.rows("SELECT count(*) AS n FROM noted")[0]["n"] == 50
    noted = records.noted("inventory")
    assert noted is not None and noted.content == {"n": 59}
    for _ in range(300):
        records.save_proof("drill", Verdict.PASS, NOW, 1, {})
    assert records.prune(NOW + timedelta(days=89)) == 0
    assert records.prune(NOW + timedelta(days=91)) == 100
    assert records.altered_proofs() == ()


def _migrates(path: Path) -> None:
    Records(path).close()


def test_many_may_open_it_first(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    path = tmp_path / "records.db"
    children = [spawn.Process(target=_migrates, args=(path,)) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * 4


def test_a_failing_migration_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    Records(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    with pytest.raises(sqlite3.Error):
        migrate(connection, (*MIGRATIONS, ("CREATE TABLE good (x)", "CREATE TABEL bad (x)")))
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert "good" not in tables and "proof" in tables
    assert connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)


def test_a_newer_or_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    Records(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(SteadError, match="newer Stead"):
        Records(path)
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"not a database at all" * 100)
    with pytest.raises(SteadError, match="cannot be used"):
        Records(damaged)


def test_the_last_proof_of_each_age_and_way_is_found_however_many_came_since(tmp_path: Path) -> None:
    with Records(tmp_path / "records.db") as records:
        for age, method, verdict in (("week", "mounted", Verdict.FAIL), ("newest", "full", Verdict.PASS)):
            records.save_proof("drill", verdict, NOW, 1.0, {"place": "attic", "age": age, "method": method})
        for _ in range(300):
            records.save_proof("drill", Verdict.PASS, NOW, 1.0, {"place": "attic"})
        records.save_proof("drill", Verdict.PASS, NOW, 1.0, {"place": "cellar", "age": "week"})
        found = {
            (age, method): records.last_proof("drill", "attic", age=age, method=method)
            for age in ("newest", "week", "oldest")
            for method in ("mounted", "full")
        }
        assert {key: proof.id for key, proof in found.items() if proof} == {
            ("week", "mounted"): 1, ("newest", "full"): 2, ("newest", "mounted"): 302,
        }  # fmt: skip
        assert records.last_proof("drill", "attic", age="week", verdict=Verdict.PASS) is None
        plan = records.rows(
            "EXPLAIN QUERY PLAN SELECT * FROM proof WHERE kind = ? AND "
            + " AND ".join(f"{seen} = ?" for seen in SEEN.values())
            + " ORDER BY id DESC LIMIT 1",
            *("drill", "attic", "mounted", "newest"),
        )
        assert "proof_by_place" in plan[0]["detail"], "it must not grow with the number of proofs"
