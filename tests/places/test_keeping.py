"""Pruning and reading back at real servers: what is refused, what is gone, what is damaged."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stead.backup import Order, Place, command_elsewhere, ensure_place, load_known, losses, prune, read_back
from stead.backup.cycle import backup_bound, really_there
from stead.backup.known import KnownSnapshot, save_known
from stead.backup.restic import DATA_PATH, Restic
from stead.run import run
from stead.settings import RetentionSettings
from stead.settings.nouns import FOR_EVER
from stead.words.home import Home
from stead.words.progress import Silent
from stead.words.verdict import Verdict
from tests.rig.keys import quicken
from tests.rig.places import Server, _run_until_closed, make_bucket, rest_server, serving
from tests.rig.proxies import free_port

pytestmark = pytest.mark.root

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ORDER = Order(RetentionSettings(1, 0, 0, 0, 0), "r")
MONTH = 30 * 86400.0


@dataclass
class Kept:
    """A place on a server with three hourly backups in it."""

    home: Home
    place: Place
    restic: Path
    server: Server
    every: list[str]

    def listed(self) -> set[str]:
        return set(really_there(Restic(self.restic, self.place))[1])


def fill(folder: Path, restic: Path, server: Server) -> Kept:
    if server.kind == "s3":
        make_bucket(server, "attic")
    home = Home.at(folder / "home")
    file = None
    if server.key is not None and server.hosts is not None:
        file = folder / "attic.env"
        key, hosts = (base64.b64encode(one.read_bytes()).decode() for one in (server.key, server.hosts))
        file.write_text(f"STEAD_SSH_KEY={key}\nSTEAD_SSH_HOSTS={hosts}\n")
    place, _made = ensure_place(home, "attic", server.url("attic"), restic, credentials_file=file)
    quicken("attic", place.password_file, server)
    program, source, every = Restic(restic, place), folder / "data", []
    source.mkdir()
    for hour in range(3):
        (source / f"new-{hour}").write_bytes(os.urandom(200_000))
        if hour:
            (source / f"new-{hour - 1}").unlink()
        at = NOW - timedelta(hours=2 - hour)
        ended = backup_bound(home, program, {source: DATA_PATH}, "data", Silent(), at=at)
        every.append(str(ended.summary["snapshot_id"]))
        made = KnownSnapshot(every[-1], at, 1, 200_000, {}, {}, "r", "m", good=True)
        packs, _listed, indexes = really_there(program)
        known = load_known(home, "attic").with_snapshot(made)
        save_known(home, "attic", replace(known, packs=packs, indexes=indexes, busy=False))
    return Kept(home, place, restic, server, every)


@pytest.fixture(params=["sftp", "s3"])
def kept(request: pytest.FixtureRequest, tmp_path: Path, restic: Path) -> Iterator[Kept]:
    with serving(request.param, tmp_path / "server") as server:
        yield fill(tmp_path, restic, server)


@pytest.fixture
def append_only(tmp_path: Path, restic: Path) -> Iterator[tuple[Kept, Path]]:
    """A rest-server that lets nothing be deleted, and credentials for one that does, over the same files."""
    with serving("rest", tmp_path / "server") as server, ExitStack() as stack:
        kept, port, folder = fill(tmp_path, restic, server), free_port(), tmp_path / "other"
        folder.mkdir()
        words = [rest_server(), "--path", server.root, "--listen", f"127.0.0.1:{port}"]
        login = ["--htpasswd-file", tmp_path / "server/htpasswd"]
        _run_until_closed([str(word) for word in (*words, *login)], port, folder, stack)
        file = tmp_path / "prune.env"
        file.write_text(f"RESTIC_REPOSITORY={server.url('attic', port)}\n")
        yield kept, file


def test_what_may_go_is_gone_with_its_bytes_and_all_is_read_back(kept: Kept) -> None:
    done = prune(kept.home, kept.place, kept.restic, ORDER, NOW)
    assert (done.verdict, done.reason) == (Verdict.PASS, None)
    assert set(done.removed) == set(kept.every[:2]) and kept.listed() == {kept.every[2]}
    assert losses(kept.home, kept.place, kept.restic) == ()
    (read,) = read_back(kept.home, kept.place, kept.restic, MONTH, NOW, whole=True)
    assert read.verdict is Verdict.PASS and read.size >= sum(kept.server.sizes("attic").values()) / 2


def test_a_damaged_pack_is_named(kept: Kept) -> None:
    sizes = {path: size for path, size in kept.server.sizes("attic").items() if path.startswith("data/")}
    pack = max(sizes, key=lambda path: sizes[path])
    content = kept.server.read("attic", pack)
    kept.server.write("attic", pack, content[:2000] + b"\0DAMAGE\0" + content[2008:])
    (read,) = read_back(kept.home, kept.place, kept.restic, MONTH, NOW, whole=True)
    assert read.verdict is Verdict.FAIL and pack.rpartition("/")[2] in " ".join(read.damage)
    kept.server.write("attic", pack, content)
    assert {one.verdict for one in read_back(kept.home, kept.place, kept.restic, MONTH, NOW)} == {Verdict.PASS}


def test_append_only_refuses_and_that_is_seen(append_only: tuple[Kept, Path]) -> None:
    kept, _file = append_only
    done = prune(kept.home, kept.place, kept.restic, ORDER, NOW)
    assert done.verdict is Verdict.FAIL and "2 snapshots were to go and are still there" in str(done.reason)
    assert kept.listed() == set(kept.every) and load_known(kept.home, "attic").pruning is None
    assert losses(kept.home, kept.place, kept.restic) == ()


def test_append_only_is_pruned_with_a_credential_of_its_own(append_only: tuple[Kept, Path]) -> None:
    kept, file = append_only
    done = prune(kept.home, kept.place, kept.restic, replace(ORDER, credentials_file=file), NOW)
    assert (done.verdict, done.reason) == (Verdict.PASS, None) and kept.listed() == {kept.every[2]}
    assert losses(kept.home, kept.place, kept.restic) == ()


def test_append_only_is_pruned_by_somebody_else(append_only: tuple[Kept, Path]) -> None:
    kept, file = append_only
    rule = RetentionSettings(1, 0, 0, 0, FOR_EVER)
    order = replace(ORDER, elsewhere=True, rule=rule)
    first = prune(kept.home, kept.place, kept.restic, order, NOW)
    assert first.verdict is Verdict.PASS and set(first.waiting) == {kept.every[1]}
    laptop = Restic(kept.restic, replace(kept.place, url=file.read_text().strip().partition("=")[2]))
    words = command_elsewhere(rule).removeprefix("restic ").split()
    run(laptop.words(*words, lock=True), timeout=120, env=laptop.env())
    assert kept.listed() == {kept.every[0], kept.every[2]}
    assert losses(kept.home, kept.place, kept.restic) == (), "what the rule lets go is no loss"
    again = prune(kept.home, kept.place, kept.restic, order, NOW)
    assert again.verdict is Verdict.PASS and again.removed == (kept.every[1],) and again.waiting == ()
    # The packs that are there now are the ones that must be there from now on.
    pack = next(path for path in kept.server.files("attic") if path.startswith("data/"))
    kept.server.remove("attic", pack)
    assert "packs are gone" in losses(kept.home, kept.place, kept.restic)[0]
