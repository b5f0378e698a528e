"""Drills of a real backup: one that passes, and one for each thing that must turn it to fail or unproven."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

import pytest

from stead import live, machine
from stead.backup import load_known
from stead.records import Records
from stead.rehearsal import DrillReport, drill
from stead.run import run
from stead.services.identity import WATCH
from stead.words.home import Home
from stead.words.progress import Silent
from stead.words.verdict import Verdict
from tests.rig.server import Server

pytestmark = pytest.mark.boot


@dataclass(frozen=True)
class Backed:
    """A server with a backup in its place."""

    server: Server
    place: Path

    def drill(self, **wanted: object) -> DrillReport:
        return drill(self.server.home, self.server.settings, Silent(), **wanted)  # type: ignore[arg-type]

    @contextmanager
    def harmed(self) -> Iterator[Path]:
        """The place, to be harmed; as it was afterwards."""
        kept = self.place.with_name("kept")
        shutil.copytree(self.place, kept)
        try:
            yield self.place
        finally:
            shutil.rmtree(self.place, ignore_errors=True)
            kept.rename(self.place)


@pytest.fixture(scope="module")
def backed(live: Server) -> Backed:
    _say(live)
    return Backed(live, live.home.default_place)


def _say(server: Server) -> None:
    with server.inbound() as connection:
        connection.sendmail("friend@example.org", f"alice@{server.domain}", "Subject: hello\r\n\r\nhello\r\n")
    _save(server)


def _save(server: Server) -> None:
    live.mark(server.home, server.settings)
    (saving,) = live.backup(server.home, server.settings, Silent())
    assert saving.verdict is Verdict.PASS, saving.reason


def _nothing_left(home: Home) -> None:
    assert machine.leftovers(home) == ()
    assert not list((home.lib / "rehearsals").iterdir())


def test_a_good_backup_passes_and_leaves_no_trace(backed: Backed) -> None:
    report = backed.drill()
    assert (report.verdict, report.reason) == (Verdict.PASS, None)
    assert report.recovery_point_seconds is not None and report.recovery_point_seconds < 300
    assert [step.name for step in report.steps] == ["mount", "boot", "probe", "compare", "remove"]
    assert {probe.service for probe in report.probes} >= {"mail", "calendar", "files", "web"}
    assert report.inventory["mail"]["messages"] >= 1
    assert json.loads(json.dumps(report.to_json()))["proof"] == report.proof
    _nothing_left(backed.server.home)


def test_the_release_out_of_the_place_boots_too(backed: Backed) -> None:
    report = backed.drill(release="place")
    assert (report.verdict, report.reason, report.release_from) == (Verdict.PASS, None, "place")
    _nothing_left(backed.server.home)


def test_a_full_drill_restores_and_compares_every_byte(backed: Backed) -> None:
    report = backed.drill(full=True, release="host")
    assert (report.verdict, report.reason, report.method) == (Verdict.PASS, None, "full")
    _nothing_left(backed.server.home)


def test_a_place_that_charges_is_read_within_its_budget(backed: Backed) -> None:
    mounted, full = backed.drill(budget=0), backed.drill(full=True, budget=100_000)
    for report, words in ((mounted, "read from the place, and 0 B may"), (full, "all of it is ")):
        assert report.verdict is Verdict.UNPROVEN and report.reason is not None
        assert words in report.reason and "may still be read of the place this month" in report.reason
    _nothing_left(backed.server.home)


def test_an_older_backup_is_drilled_as_what_it_is(backed: Backed) -> None:
    known = load_known(backed.server.home, "same-disk")
    oldest = min(known.snapshots, key=lambda one: one.taken_at)
    _save(backed.server)
    report = backed.drill(age="oldest", release="host")
    assert (report.verdict, report.reason, report.age) == (Verdict.PASS, None, "oldest")
    assert report.snapshot == oldest.id
    turned = backed.drill(age="turn", release="host")
    assert (turned.verdict, turned.age, turned.snapshot) == (Verdict.PASS, "oldest", oldest.id)
    assert backed.drill(age="week").verdict is Verdict.UNPROVEN
    with Records(backed.server.home.records) as records:
        last = records.last_proof("drill", "same-disk")
        assert last is not None and last.evidence["age"] == "newest", "the sentence stands on the newest"
    _nothing_left(backed.server.home)


def test_a_damaged_pack_fails_and_is_named(backed: Backed) -> None:
    with backed.harmed() as place:
        for pack in (place / "data").glob("*/*"):
            content = bytearray(pack.read_bytes())
            middle = len(content) // 2
            content[middle] ^= 0xFF
            pack.chmod(0o600)
            pack.write_bytes(content)
        # Out of the place comes every program: much is read. What no drill reads, `stead backup verify` does.
        report = backed.drill(release="place")
    assert report.verdict is Verdict.FAIL
    assert report.reason is not None and "damaged" in report.reason
    _nothing_left(backed.server.home)


def test_a_missing_pack_fails_even_if_nothing_reads_it(backed: Backed) -> None:
    with backed.harmed() as place:
        biggest = max((place / "data").glob("*/*"), key=lambda pack: pack.stat().st_size)
        biggest.unlink()
        report = backed.drill()
    assert report.verdict is Verdict.FAIL
    assert report.reason is not None and biggest.name[:8] in report.reason


def test_missing_metadata_fails_with_a_warm_cache_there(backed: Backed) -> None:
    cache = backed.server.home.lib / "cache/restic"
    assert list(cache.glob("*/data/*/*")), "the cache is cold: this would prove nothing"
    metadata = {file.name for file in cache.glob("*/data/*/*")}
    with backed.harmed() as place:
        for pack in (place / "data").glob("*/*"):
            if pack.name in metadata:
                pack.unlink()
        report = backed.drill()
    assert report.verdict is Verdict.FAIL
    assert report.reason is not None and "pack" in report.reason


def test_markers_older_than_the_goal_fail(backed: Backed) -> None:
    goals = replace(backed.server.settings.goals, lose_at_most=0.5)
    settings = replace(backed.server.settings, goals=goals)
    report = drill(backed.server.home, settings, Silent())
    assert report.verdict is Verdict.FAIL
    assert report.reason is not None and "marker" in report.reason and "goal" in report.reason


def test_an_unreachable_place_is_unproven(backed: Backed) -> None:
    with backed.harmed() as place:
        shutil.rmtree(place)
        report = backed.drill()
    assert report.verdict is Verdict.UNPROVEN, report.reason


def test_a_wrong_password_is_unproven(backed: Backed) -> None:
    file = backed.server.home.secrets / "place-same-disk.password"
    right = file.read_text()
    try:
        file.write_text("not this one\n")
        report = backed.drill()
    finally:
        file.write_text(right)
    assert report.verdict is Verdict.UNPROVEN
    assert report.reason is not None and "password" in report.reason


@contextmanager
def _small_disk(at: Path, size: str) -> Iterator[Path]:
    at.mkdir(parents=True, exist_ok=True)
    run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "full", at], timeout=10)
    try:
        yield at
    finally:
        run(["umount", at], timeout=10)


def test_without_room_it_is_unproven(backed: Backed) -> None:
    with _small_disk(backed.server.home.lib / "rehearsals", "1m"):
        report = backed.drill()
    assert report.verdict is Verdict.UNPROVEN
    assert "a rehearsal needs 67.1 MB and the disk under" in (report.reason or "")
    _nothing_left(backed.server.home)


def test_without_room_to_restore_a_full_one_is_unproven(backed: Backed) -> None:
    with _small_disk(backed.server.home.lib / "rehearsals", "200m") as disk:
        report = backed.drill(full=True)
        assert not list(disk.iterdir())
    assert report.verdict is Verdict.UNPROVEN
    assert "MB and the disk under" in (report.reason or "") and "0 B to spare" in (report.reason or "")


def test_a_disk_that_fills_up_meanwhile_is_unproven(backed: Backed, tmp_path: Path) -> None:
    with _small_disk(backed.server.home.lib / "rehearsals", "100m") as disk:

        def fill() -> None:
            while not list(disk.glob("r-*/data/mail")):
                time.sleep(0.02)
            with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
                while filler.write(bytes(1 << 12)):
                    pass

        filling = Thread(target=fill)
        filling.start()
        report = backed.drill()
        filling.join()
    assert report.verdict is Verdict.UNPROVEN, report.reason
    assert "free" in (report.reason or "") or "disk is full" in (report.reason or "")
    _nothing_left(backed.server.home)


def test_an_unknown_snapshot_is_unproven(backed: Backed) -> None:
    assert backed.drill(snapshot="0123abcd").verdict is Verdict.UNPROVEN


def test_without_fuse_it_is_unproven(backed: Backed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(_path_without(tmp_path, "fusermount3", "fusermount")))
    report = backed.drill()
    assert report.verdict is Verdict.UNPROVEN
    assert report.reason is not None and "fuse" in report.reason.lower()


def _path_without(folder: Path, *names: str) -> Path:
    """A folder of links to every program but those."""
    for source in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"):
        for program in Path(source).iterdir():
            link = folder / program.name
            if program.name not in names and not link.is_symlink():
                link.symlink_to(program)
    return folder


@contextmanager
def _own_release(home: Home) -> Iterator[Path]:
    """The tree of this home's release as names of its own, to be broken: every other test boots the same files."""
    link = home.releases / (home.releases / "current").readlink()
    shared = link.resolve()
    copy = shared.parent.parent / f"broken-{os.getpid()}"
    run(["cp", "--archive", "--link", shared, copy], timeout=120)
    try:
        link.unlink()
        link.symlink_to(copy)
        yield copy / "tree"
    finally:
        link.unlink()
        link.symlink_to(shared)
        shutil.rmtree(copy)


def test_a_broken_service_in_the_release_fails_and_is_named(backed: Backed, tmp_path: Path) -> None:
    release = load_known(backed.server.home, "same-disk").releases
    assert release, "the release is in the place"
    with _own_release(backed.server.home) as tree:
        (tree / "usr/sbin/nginx").unlink()
        report = backed.drill(release="host")
    assert report.verdict is Verdict.FAIL
    assert (report.reason is not None and "page" in report.reason) or "refused" in str(report.reason)


def test_emptied_mail_fails(backed: Backed) -> None:
    mail = backed.server.home.data / "mail/home"
    aside = backed.server.home.data / "mail/home.aside"
    machine.stop(backed.server.home, "live")
    mail.rename(aside)
    mail.mkdir()
    try:
        live.backup(backed.server.home, backed.server.settings, Silent())
        report = backed.drill()
    finally:
        shutil.rmtree(mail)
        aside.rename(mail)
        backed.server.settle()
        _save(backed.server)
    assert report.verdict is Verdict.FAIL
    assert report.reason is not None and "mail" in report.reason


def test_one_missing_calendar_fails(backed: Backed) -> None:
    home = backed.server.home
    root = home.data / "calendar/collections/collection-root"
    assert any((root / WATCH).iterdir())
    machine.stop(home, "live")
    aside = home.data / "calendar/aside"
    (root / WATCH).rename(aside)
    try:
        live.backup(home, backed.server.settings, Silent())
        report = backed.drill()
    finally:
        aside.rename(root / WATCH)
        backed.server.settle()
        _save(backed.server)
    assert report.verdict is Verdict.FAIL
    assert report.reason is not None and "calendar" in report.reason
