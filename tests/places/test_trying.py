"""``stead place add|test|remove`` with real servers: what is written, what is found, what is left."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stead.backup import Kind, PlaceUnreachable, load_known, losses
from stead.backup.restic import Restic, snapshots
from stead.backup.trying import tries
from stead.keeper.looking import look
from stead.kit import kit_of
from stead.kit.opening import places_of
from stead.live import places as live_places
from stead.records import Records
from stead.run import Result, run, start
from stead.settings import load
from stead.words.home import Home
from stead.words.progress import Silent
from stead.words.verdict import Verdict
from tests.rig.places import KINDS, Server, make_bucket, serving
from tests.rig.saver import Saver, saver

pytestmark = pytest.mark.root


@pytest.fixture
def one(tmp_path: Path, restic: Path) -> Iterator[Saver]:
    with saver(Home.at(tmp_path / "home"), tmp_path / "release", restic) as made:
        yield made


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def stead(one: Saver, *words: str | Path) -> Result:
    line = [sys.executable, "-m", "stead.cli", *map(str, words), "--home", str(one.home.lib.parent)]
    return run(line, timeout=120, expect=(), env={"PYTHONPATH": os.environ.get("PYTHONPATH", "src")})


def server_of(kind: str, folder: Path, serve: ExitStack, *options: str) -> tuple[Server, list[str | Path]]:
    """A server of a kind with an empty place ``one``, and the options that a place there needs."""
    server = serve.enter_context(serving(kind, folder / kind, *options))
    if kind == "s3":
        make_bucket(server, "one")
    return server, []


@pytest.mark.parametrize("kind", KINDS)
def test_a_place_is_added_tried_and_removed(one: Saver, kind: str, tmp_path: Path, serve: ExitStack) -> None:
    one.home.settings_file.parent.mkdir(parents=True, exist_ok=True)
    one.home.settings_file.write_text('# mine\n[goals]\nlose_at_most = "1h"   # enough\n')
    server, more = server_of(kind, tmp_path, serve)
    setting = one.place("one", server.url("one"), server)
    if setting.credentials_file:
        more += ["--credentials-file", setting.credentials_file]
    done = stead(one, "place", "add", "one", server.url("one"), "--upload-limit", "50MB/s", *more)
    assert done.code == 0, done.err
    assert "the same bytes" in done.out and "stead kit write" in done.out and "stead backup run --place one" in done.out
    text = one.home.settings_file.read_text()
    assert text.startswith('# mine\n[goals]\nlose_at_most = "1h"   # enough\n\n[[place]]\nname = "one"\n')
    (added,) = load(one.home).places
    assert added.upload_limit == 50_000_000 and added.append_only is (kind == "rest")
    assert "server-password" not in done.out + done.err and "s3-secret-key" not in done.out + done.err
    deleted = {"folder": "can delete", "sftp": "can delete", "rest": "refused", "s3": "only hides"}[kind]
    assert re.search(f"delete .*{deleted}", done.out)
    place = one.noun(added)
    assert {s.id for s in snapshots(Restic(one.restic, place)) if "try" in s.tags} == tries(one.home, "one")
    assert len(tries(one.home, "one")) == (kind == "rest")
    assert stead(one, "place", "add", "one", server.url("one")).code == 2, "the name is taken"
    with Records(one.home.records) as records:
        (proof,) = records.proofs("place")
    assert proof.verdict is Verdict.PASS and proof.evidence["refused"] is (kind in ("rest", "s3"))
    assert proof.evidence["offsite"] is False

    last = stead(one, "place", "remove", "one")
    if place.kind is not Kind.FOLDER:
        assert last.code == 2 and "the last place that survives" in last.err
        last = stead(one, "place", "remove", "one", "--yes")
    assert last.code == 0 and "still there, encrypted" in last.out
    assert one.home.settings_file.read_text().startswith('# mine\n[goals]\nlose_at_most = "1h"   # enough\n')
    assert load(one.home).places == () and place.password_file.exists()


def test_a_test_leaves_the_owners_snapshots_as_they_are(one: Saver, tmp_path: Path, serve: ExitStack) -> None:
    server, _ = server_of("rest", tmp_path, serve)
    setting = replace(one.begun("one", server.url("one"), server), append_only=True)
    for _ in range(2):
        one.change()
        assert one.backup(setting)["one"].verdict is Verdict.PASS
    before = load_known(one.home, "one").expected_snapshots
    for _ in range(2):
        trial = live_places.try_now(one.home, setting, Silent(), size=50_000)
        assert trial.verdict is Verdict.PASS and trial.tried is not None and trial.tried.refused
    place = one.noun(setting)
    assert losses(one.home, place, one.restic) == ()
    there = {snapshot.id for snapshot in snapshots(Restic(one.restic, place))}
    assert before < there and load_known(one.home, "one").expected_snapshots == before
    assert one.backup(setting)["one"].verdict is Verdict.PASS, "a backup after it is good"
    status = look(one.home, one.settings(setting))
    assert not [finding for finding in status.findings if finding.id.startswith(("place-", "backup-failing"))]


def test_a_server_that_is_not_append_only_any_more_is_an_alarm(one: Saver, tmp_path: Path, serve: ExitStack) -> None:
    server, _ = server_of("rest", tmp_path, serve, "--max-size=0")
    setting = replace(one.begun("one", server.url("one"), server), append_only=True)
    one.backup(setting)
    assert live_places.due(one.home, (setting,), datetime.now(UTC)) == (setting,)
    live_places.try_now(one.home, setting, Silent(), size=20_000)
    assert live_places.due(one.home, (setting,), datetime.now(UTC)) == ()
    found = {finding.id: finding for finding in look(one.home, one.settings(setting)).findings}
    assert found["place-deletes:one"].severity.value == "alarm"


@pytest.mark.parametrize(("days", "refused"), [(30, True), (0, False)])
def test_a_bucket_is_only_safe_when_its_versions_are(
    one: Saver, tmp_path: Path, serve: ExitStack, days: int, refused: bool
) -> None:
    server = serve.enter_context(serving("s3", tmp_path / "s3"))
    make_bucket(server, "one", locked_days=days)
    setting = one.begun("one", server.url("one"), server)
    one.backup(setting)
    trial = live_places.try_now(one.home, setting, Silent(), size=20_000)
    assert trial.tried is not None and trial.tried.refused is refused and trial.tried.hides is bool(days)


def test_a_place_that_does_not_work_is_not_added(one: Saver, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    done = stead(one, "place", "add", "one", str(blocked / "place"))
    assert done.code in (1, 3) and done.err and not one.home.settings_file.exists()
    assert stead(one, "place", "add", "Bad Name", "/x").code == 2
    assert stead(one, "place", "add").code == 2
    shown = stead(one, "place", "test", "--json")
    assert json.loads(shown.out)["schema"] == 1


def test_an_sftp_place_gets_a_key_of_its_own_that_travels_in_the_kit(
    one: Saver, tmp_path: Path, serve: ExitStack
) -> None:
    server, _ = server_of("sftp", tmp_path, serve)
    address = server.url("one")
    first = stead(one, "place", "add", "attic", address, "--new-key")
    assert first.code == 3 and "the key is made, and must be put there first" in first.err
    public = next(line.strip() for line in first.err.splitlines() if "ssh-ed25519" in line)
    credentials = one.home.etc / "place-attic.env"
    assert credentials.stat().st_mode & 0o777 == 0o600 and f"--credentials-file {credentials}" in first.err
    refused = stead(one, "place", "add", "attic", address, "--credentials-file", credentials)
    assert refused.code == 1 and "refuses what we ask of it" in refused.err + refused.out
    with server.extra["authorized"].open("a") as file:
        file.write(public + "\n")
    done = stead(one, "place", "add", "attic", address, "--credentials-file", credentials)
    assert done.code == 0, done.err
    settings = load(one.home)
    one.backup(*settings.places)
    kit = kit_of(one.home, settings)
    credentials.unlink()
    (opened,) = places_of(kit, tmp_path / "opened")
    assert snapshots(Restic(one.restic, opened)), "the kit alone opens it"
    # Another server at that address is not talked to.
    (tmp_path / "sftp/hosts").write_text("")
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], timeout=30)
    kept = opened.credentials_file
    assert kept is not None
    host = base64.b64encode(f"[127.0.0.1]:{server.port} {(tmp_path / 'other.pub').read_text()}".encode()).decode()
    kept.write_text(re.sub("STEAD_SSH_HOSTS=.*", f"STEAD_SSH_HOSTS={host}", kept.read_text()))
    with pytest.raises(PlaceUnreachable):
        snapshots(Restic(one.restic, opened))


def test_on_a_terminal_it_asks(one: Saver, tmp_path: Path) -> None:
    ours, its = os.openpty()
    line = [sys.executable, "-m", "stead.cli", "place", "add", "--home", str(one.home.lib.parent)]
    with (tmp_path / "said").open("wb") as said:
        env = {"PYTHONPATH": os.environ.get("PYTHONPATH", "src")}
        child = start(line, stdin=its, stdout=said, stderr=said, env=env)
        os.write(ours, f"disk\n{tmp_path / 'copies'}\nattic\n".encode())
        code = child.wait(120)
    os.close(ours)
    os.close(its)
    text = (tmp_path / "said").read_text()
    assert code == 0, text
    assert "What kind of place" in text and "such as /mnt/disk/stead" in text and "A short name" in text
    (added,) = load(one.home).places
    assert (added.name, added.url) == ("attic", str(tmp_path / "copies"))
