"""A place that takes its time holds nobody up: neither this round's others nor the next rounds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stead.backup import load_known
from stead.data import list_pictures, thin_pictures
from stead.keeper.looking import look
from stead.live import backup, save
from stead.records import Records
from stead.words.home import Home
from stead.words.progress import Silent
from stead.words.verdict import Verdict
from tests.rig.places import serving
from tests.rig.saver import Saver, saver

pytestmark = [pytest.mark.root]


@pytest.fixture
def one(tmp_path: Path, restic: Path) -> Iterator[Saver]:
    with saver(Home.at(tmp_path / "home"), tmp_path / "release", restic) as made:
        yield made


def recorded(one: Saver, place: str) -> int:
    with Records(one.home.records) as records:
        return sum(proof.evidence["place"] == place for proof in records.proofs("backup"))


def test_others_are_saved_again_and_again_meanwhile(
    one: Saver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(save, "_PATIENCE", 1.0)
    with serving("rest", tmp_path / "rest") as server, ThreadPoolExecutor(1) as pool:
        good = one.begun("good", str(tmp_path / "good"))
        slow = replace(one.begun("slow", server.url("slow"), server), upload_limit=400_000)
        settings = one.settings(good, slow)
        one.change(size=6_000_000)
        first = pool.submit(backup, one.home, settings, Silent(), by_keeper=True)
        until = time.monotonic() + 60
        while not (recorded(one, "good") and list(one.home.long_acts.glob("*"))):
            assert time.monotonic() < until and not first.done(), "the good place waits for the slow one"
            time.sleep(0.05)
        for number in range(2):
            one.change(f"new {number}", 1000)
            (saving,) = backup(one.home, settings, Silent(), by_keeper=True)
            assert (saving.place, saving.verdict) == ("good", Verdict.PASS)
        assert not first.done() and recorded(one, "good") == 3 and recorded(one, "slow") == 0
        told = {finding.id: finding for finding in look(one.home, settings).findings}
        assert "it is being written to just now" in told["backup-old:slow"].next
        # However long it takes, nobody takes the picture away under it.
        (used,) = (picture for picture in list_pictures(one.home) if picture.for_backup)
        thin_pictures(one.home, datetime.now(UTC) + timedelta(days=3))
        assert used.path.exists()
        done = {saving.place: saving for saving in first.result(120)}
        assert done["slow"].verdict is Verdict.PASS, done["slow"].reason
        assert len(load_known(one.home, "good").snapshots) == 3 and len(load_known(one.home, "slow").snapshots) == 1
        assert not [picture for picture in list_pictures(one.home) if picture.for_backup]
        assert not list(one.home.long_acts.glob("*"))
