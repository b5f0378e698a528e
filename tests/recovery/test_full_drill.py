"""The full drill works from the kit's secrets alone, and its proof says what the kit in the owner's hands is worth."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from stead import live
from stead.kit import kit_of, note_confirmed, places_of
from stead.records import Records
from stead.recovery import full_drill
from stead.recovery.proving import held_kit
from stead.rehearsal import drill
from stead.words.home import Home
from stead.words.kit import Kit
from stead.words.progress import Silent
from stead.words.verdict import Verdict
from tests.rig.server import Server

pytestmark = pytest.mark.boot


@pytest.fixture(scope="module")
def saved(live: Server) -> Server:
    return _save(live)


def _save(server: Server) -> Server:
    live.mark(server.home, server.settings)
    (saving,) = live.backup(server.home, server.settings, Silent())
    assert saving.verdict is Verdict.PASS, saving.reason
    return server


def test_it_is_opened_by_the_kit_and_says_what_the_owner_holds(saved: Server) -> None:
    home, settings = saved.home, saved.settings
    with Records(home.records) as records:
        # Others rehearse on the same server, and may have come before.
        before = records.changes("full drill same-disk")
    first = full_drill(home, settings, Silent(), release="host")
    assert (first.verdict, first.reason, first.method, first.opened_by) == (Verdict.PASS, None, "full", "kit")
    assert "restore" in [step.name for step in first.steps] and "kit" in " ".join(first.notes)
    assert not (home.run / "full-drill").exists(), "no secret is left"
    assert not list((home.lib / "rehearsals").iterdir())
    kit = kit_of(home, settings)
    with Records(home.records) as records:
        note_confirmed(records, kit, datetime.now(UTC))
        assert records.noted("full-drill same-disk") is not None
        changes = records.changes("full drill same-disk")
        assert changes[0].new == "pass"
        assert len(changes) - len(before) == (0 if before and before[0].new == "pass" else 1)
    assert f"the confirmed kit {kit.id} holds the same" in full_drill(home, settings, Silent(), release="host").notes


def test_nothing_but_the_kit_opens_it(saved: Server, tmp_path: Path) -> None:
    home, settings = saved.home, saved.settings
    kit = Kit.from_json(kit_of(home, settings).to_json())
    (opened,) = places_of(kit, tmp_path / "opened")
    password = home.secrets / "place-same-disk.password"
    aside = password.rename(password.with_suffix(".aside"))
    try:
        report = drill(home, settings, Silent(), full=True, opened=opened, release="host")
        assert (report.verdict, report.reason) == (Verdict.PASS, None)
        opened.password_file.write_text("not this one\n")
        wrong = drill(home, settings, Silent(), full=True, opened=opened, release="host")
        assert wrong.verdict is Verdict.UNPROVEN and "password" in str(wrong.reason)
    finally:
        aside.rename(password)


def test_a_kit_that_nobody_confirmed_is_said(saved: Server, home: Home) -> None:
    home.lib.mkdir(parents=True, exist_ok=True)
    (note,) = held_kit(home, kit_of(saved.home, saved.settings))
    assert "never confirmed" in note


def test_a_stale_kit_is_said(saved: Server) -> None:
    home, settings = saved.home, saved.settings
    with Records(home.records) as records:
        records.note("kit-confirmed", {"id": "k-old", "fingerprint": "another"}, datetime.now(UTC))
    assert "out of date" in " ".join(full_drill(home, settings, Silent(), release="host").notes)
