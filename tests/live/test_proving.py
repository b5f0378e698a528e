"""The owner's commands about old backups and reading back, on a server that runs, and what status makes of them."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta

import pytest

from stead import live
from stead.backup import load_known
from stead.backup.known import save_known
from stead.keeper.running import environment
from stead.records import Records, Snapshot
from stead.run import Result, run
from stead.words.progress import Silent
from stead.words.verdict import Verdict
from tests.rig.server import Server

pytestmark = pytest.mark.boot


@pytest.fixture(scope="module")
def saved(live: Server) -> Server:
    return save(live)


def save(server: Server) -> Server:
    (saving,) = live.backup(server.home, server.settings, Silent())
    assert saving.verdict is Verdict.PASS, saving.reason
    return server


def stead(server: Server, *words: str) -> Result:
    line = [sys.executable, "-m", "stead.cli", *words, "--home", str(server.home.lib.parent)]
    return run(line, timeout=200, expect=(), env=environment())


def status(server: Server) -> tuple[dict[str, object], set[str]]:
    raw = json.loads(stead(server, "status", "--json").out)
    (place,) = raw["places"]
    return place, {finding["id"] for finding in raw["findings"]}


def test_old_backups_go_and_the_list_follows(saved: Server) -> None:
    home = saved.home
    save(saved)
    known = load_known(home, "same-disk")
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    first, *rest = sorted(known.snapshots, key=lambda one: one.taken_at)
    # All but the newest of one hour may go; the very first stays.
    assert rest and hour
    with Records(home.records) as records:
        records.save_snapshot(Snapshot("same-disk", "f" * 64, hour, None, {}))
    dry = json.loads(stead(saved, "backup", "prune", "--dry-run", "--json").out)
    assert dry["verdict"] == "pass" and dry["dry_run"] and dry["places"][0]["removed"] == []
    done = stead(saved, "backup", "prune", "--json")
    (place,) = json.loads(done.out)["places"]
    assert (done.code, place["verdict"], place["reason"]) == (0, "pass", None)
    assert place["removed"] == dry["places"][0]["waiting"]
    with Records(home.records) as records:
        rows = {row.id for row in records.snapshots("same-disk")}
        assert rows <= {one.id for one in load_known(home, "same-disk").snapshots}, "what is not there is not listed"
    assert first.id in rows or len(known.snapshots) == 1
    assert stead(saved, "backup", "list").code == 0


def test_everything_is_read_back_and_status_says_so(saved: Server) -> None:
    part = json.loads(stead(saved, "backup", "verify", "--json").out)
    assert part["verdict"] == "pass" and part["places"][0]["slice"].endswith("/25")
    place, _found = status(saved)
    assert place["read_back_within_days"] is None
    whole = stead(saved, "backup", "verify", "--all")
    assert whole.code == 0 and "1/1" in whole.out
    place, found = status(saved)
    assert place["read_back_within_days"] == 0.0 and not [id_ for id_ in found if id_.startswith("read-back")]
    text = stead(saved, "status").out
    assert ("ALL READ BACK" in text and "within 0" in text) or "within" in text


def test_a_damaged_pack_is_an_alarm_until_it_is_read_well(saved: Server) -> None:
    pack = max(saved.home.default_place.glob("data/*/*"), key=lambda file: file.stat().st_size)
    good = pack.read_bytes()
    pack.chmod(0o600)
    pack.write_bytes(good[:5000] + b"\0DAMAGE\0" + good[5008:])
    try:
        bad = stead(saved, "backup", "verify", "--all")
        assert bad.code == 1 and pack.name in bad.out
        place, found = status(saved)
        assert "read-back-damaged:same-disk" in found and place["verdict"] == "fail"
    finally:
        pack.write_bytes(good)
    assert stead(saved, "backup", "verify").code == 0
    assert "read-back-damaged:same-disk" not in status(saved)[1]


def test_a_place_that_lost_something_is_not_pruned_and_status_says_why(saved: Server) -> None:
    home = saved.home
    known = load_known(home, "same-disk")
    newest = known.newest
    assert newest is not None
    file = home.default_place / "snapshots" / newest.id
    aside = file.rename(file.with_name("aside"))
    try:
        lost = stead(saved, "backup", "prune")
        assert lost.code == 1 and newest.id[:8] in lost.out
        assert "prune-failed:same-disk" in status(saved)[1]
    finally:
        aside.rename(file)
        save_known(home, "same-disk", known)
    assert stead(saved, "backup", "prune").code == 0
    assert "prune-failed:same-disk" not in status(saved)[1]
