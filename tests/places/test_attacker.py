"""Who breaks into the machine reaches no place; who breaks into the host cannot take back what a safe place holds.

Everything here is really tried, with everything that the attacker would have, and looked at from outside afterwards.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from stead import machine
from stead.backup import Place, load_known, losses, place_of, watch
from stead.backup.known import Known
from stead.backup.restic import Restic, check
from stead.backup.restoring import restore_cold
from stead.run import run
from stead.settings import PlaceSetting
from stead.words.home import Home
from stead.words.progress import Silent
from stead.words.verdict import Verdict
from tests.rig.places import KEY, PASSWORD, SECRET, Server, make_bucket, s3_client, serving
from tests.rig.saver import Saver, saver
from tests.rig.server import Server as Live


@pytest.fixture
def one(tmp_path: Path, restic: Path) -> Iterator[Saver]:
    with saver(Home.at(tmp_path / "home"), tmp_path / "release", restic) as made:
        yield made


def filled(one: Saver, setting: PlaceSetting) -> tuple[Place, Known]:
    """Two backups in a place, and what somebody outside who looked at it then knows."""
    for _ in range(2):
        one.change()
        assert one.backup(setting)["one"].verdict is Verdict.PASS
    place = one.noun(setting)
    first, known = watch(place, Known(), one.restic)
    assert first.well and first.counts["snapshots"] == 3, "two of data, one of the release"
    return place, known


def restic(one: Saver, place: Place, *words: str) -> None:
    """What restic itself can do with everything that is on the host; its result is not believed."""
    program = Restic(one.restic, place)
    run(program.words(*words, lock=True), timeout=60, expect=(), env=program.env())


def content(server: Server, name: str) -> dict[str, str]:
    return {
        path: hashlib.sha256(server.read(name, path)).hexdigest()
        for path in server.files(name)
        if not path.startswith("locks/")
    }


@pytest.mark.root
def test_the_hosts_root_cannot_take_anything_back_from_an_append_only_server(one: Saver, tmp_path: Path) -> None:
    with serving("rest", tmp_path / "rest") as server:
        place, known = filled(one, one.begun("one", server.url("one"), server))
        before = content(server, "one")
        for snapshot in known.expected_snapshots:
            restic(one, place, "forget", snapshot)
        restic(one, place, "forget", "--keep-last", "1", "--group-by", "", "--prune")
        restic(one, place, "prune", "--max-unused", "0")
        restic(one, place, "unlock", "--remove-all")
        restic(one, place, "repair", "index")
        base, login = f"{server.http}/one", ("stead", PASSWORD)
        for path in before:
            assert requests.delete(f"{base}/{path}", auth=login, timeout=10).status_code >= 400, path
            answer = requests.post(f"{base}/{path}", b"garbage", auth=login, timeout=10)
            assert answer.status_code >= 400, path
        requests.delete(f"{base}/", auth=login, timeout=10)
        requests.post(f"{base}/?create=true", auth=login, timeout=10)

        after = content(server, "one")
        assert {path: after.get(path) for path in before} == before, "not a byte of what was there is another one"
        seen, _ = watch(place, known, one.restic, deep=True)
        assert seen.well, seen
        assert (
            losses(one.home, place, one.restic) == () and check(Restic(one.restic, place), subset="100%").problems == ()
        )
        # What he can do is add, and that is counted.
        (tmp_path / "his").mkdir()
        restic(one, place, "backup", str(tmp_path / "his"))
        seen, _ = watch(place, known, one.restic)
        assert seen.well and seen.new["snapshots"] == 1


@pytest.mark.root
def test_the_hosts_root_can_hide_and_not_destroy_what_a_locked_bucket_holds(one: Saver, tmp_path: Path) -> None:
    with serving("s3", tmp_path / "s3") as server:
        make_bucket(server, "one")
        place, known = filled(one, one.begun("one", server.url("one"), server))
        data = load_known(one.home, "one").newest
        assert data is not None
        before = content(server, "one")
        versions = all_versions(server)
        time.sleep(2)
        moment = datetime.now(UTC)
        time.sleep(2)

        his = s3_client(server)
        for snapshot in known.expected_snapshots:
            restic(one, place, "forget", snapshot)
        restic(one, place, "prune", "--max-unused", "0")
        for key, version in versions:
            for more in ({}, {"BypassGovernanceRetention": True}):
                with pytest.raises(ClientError):
                    his.delete_object(Bucket="one", Key=key, VersionId=version, **more)
        for key in before:
            his.put_object(Bucket="one", Key=key, Body=b"garbage")
            his.delete_object(Bucket="one", Key=key)
        with pytest.raises(ClientError):
            his.delete_bucket(Bucket="one")

        assert versions <= all_versions(server), "every version is there still"
        with pytest.raises(Exception, match="one"):
            watch(place, known, one.restic)
        # As it was at that moment, by a program that reads versions: docs/operate/places.md.
        rclone = Path(sys.executable).with_name("rclone")
        env = {
            "RCLONE_S3_PROVIDER": "Other", "RCLONE_S3_ENDPOINT": server.http, "RCLONE_S3_ACCESS_KEY_ID": KEY,
            "RCLONE_S3_SECRET_ACCESS_KEY": SECRET, "RCLONE_CONFIG": "/dev/null",
            "RCLONE_S3_VERSION_AT": moment.strftime("%Y-%m-%d %H:%M:%S"),
        }  # fmt: skip
        run([rclone, "copy", ":s3:one", tmp_path / "back"], timeout=120, env=env)
        assert {p: hashlib.sha256((tmp_path / "back" / p).read_bytes()).hexdigest() for p in before} == before
        back = place_of(one.home, "one", str(tmp_path / "back"))
        assert check(Restic(one.restic, back), subset="100%").problems == ()
        restored = restore_cold(one.home, back, one.restic, data.id, target=tmp_path / "out", progress=Silent())
        assert (restored.path / "mail/1").read_text() == "a mail\n"


@pytest.mark.root
def test_what_is_hidden_one_by_one_is_seen_from_outside(one: Saver, tmp_path: Path) -> None:
    with serving("s3", tmp_path / "s3") as server:
        make_bucket(server, "one")
        place, known = filled(one, one.begun("one", server.url("one"), server))
        newest = load_known(one.home, "one").newest
        assert newest is not None
        restic(one, place, "forget", newest.id)
        seen, later = watch(place, known, one.restic)
        assert not seen.well and newest.id[:8] in seen.lost[0]
        assert not watch(place, later, one.restic)[0].well, "it stays on the list"
        assert watch(place, later, one.restic, gone_meant=frozenset({newest.id}))[0].well
        pack = max((p for p in server.files("one") if p.startswith("data/")), key=lambda p: server.sizes("one")[p])
        server.write("one", pack, b"garbage")
        seen, _ = watch(place, known, one.restic, gone_meant=frozenset({newest.id}), deep=True)
        assert seen.damaged, "overwritten with something else"


def all_versions(server: Server) -> set[tuple[str, str]]:
    pages = s3_client(server).get_paginator("list_object_versions").paginate(Bucket="one")
    found: list[dict[str, Any]] = [one for page in pages for one in page.get("Versions", ())]
    return {(one["Key"], one["VersionId"]) for one in found if not one["Key"].startswith("locks/")}


#: Walks everything that the machine's root can read and says where one of the words (given backwards) stands. Not /usr:
#: that is the release, made before there was any secret and shared by all the tests' homes.
_SEARCH = """
import os, sys
words = [w[::-1].encode() for w in sys.argv[1:]]
for top, folders, names in os.walk("/"):
    if top == "/":
        folders[:] = [f for f in folders if f not in ("sys", "usr", "dev")]
    if top == "/proc":
        folders[:] = [f for f in folders if f.isdigit()]
        names = []
    elif top.startswith("/proc/"):
        folders[:] = []
        names = [n for n in names if n in ("environ", "cmdline", "mountinfo")]
    for name in names:
        path = os.path.join(top, name)
        try:
            if os.path.islink(path) or not (top.startswith("/proc") or 0 < os.path.getsize(path) < 50_000_000):
                continue
            with open(path, "rb") as file:
                content = file.read(50_000_000)
        except OSError:
            continue
        for word in words:
            if word in content:
                print("found", word[:12], path)
print("looked")
"""
_CONNECT = """
import socket, sys
for address in sys.argv[2:]:
    try:
        socket.create_connection((address, int(sys.argv[1])), 2).close()
        print("reached", address)
    except OSError:
        pass
print("tried")
"""


@pytest.mark.boot
def test_the_machines_root_finds_no_credential_and_no_copy(live: Live) -> None:
    secret = secrets.token_urlsafe(32)
    planted = [live.home.secrets / "place-attic.password", live.home.etc / "place-attic.env"]
    live.home.secrets.mkdir(parents=True, exist_ok=True)
    for file in planted:
        file.write_text(secret)
        file.chmod(0o600)
    inside = live.home.data / "files/canary"
    try:
        words = [secret, *(file.read_text().strip() for file in live.home.secrets.glob("place-*.password"))]
        words += ["RESTIC_PASSWORD", "RESTIC_REPOSITORY", str(live.home.default_place)]
        said = machine.ask(live.machine, ["python3", "-c", _SEARCH, *(word[::-1] for word in set(words))], limit=120)
        assert said.text.splitlines()[-1:] == ["looked"]
        assert "found" not in said.text, said.text
        # The search finds what is there to be found.
        inside.parent.mkdir(exist_ok=True)
        inside.write_text(secret)
        said = machine.ask(live.machine, ["python3", "-c", _SEARCH, secret[::-1]], limit=120)
        assert "files/canary" in said.text
    finally:
        inside.unlink(missing_ok=True)
        for file in planted:
            file.unlink()


@pytest.mark.boot
def test_the_machines_root_has_no_way_to_a_places_server(live: Live) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("0.0.0.0", 0)))
        port = listener.getsockname()[1]
        listed = run(["ip", "-4", "-o", "addr", "show"], timeout=10).out
        ours = [line.split()[3].partition("/")[0] for line in listed.splitlines()]
        assert len(ours) > 1, "the host has the link to the machine, too"
        for address in ours:
            socket.create_connection((address, port), 2).close()
        said = machine.ask(live.machine, ["python3", "-c", _CONNECT, str(port), *ours], limit=120)
        assert said.text == "tried\n", said.text


def test_the_rig_is_what_it_says(tmp_path: Path) -> None:
    """Without append-only and without lock the same attempts work: the tests above see a difference."""
    if os.geteuid():
        pytest.skip("needs root")
    with serving("rest", tmp_path / "rest", "--max-size=0") as server:
        assert server.root is not None
        (server.root / "one/data/00").mkdir(parents=True)
        (server.root / "one/data/00" / ("0" * 64)).write_text("x")
        gone = requests.delete(f"{server.http}/one/data/{'0' * 64}", auth=("stead", PASSWORD), timeout=10)
        assert gone.status_code == 200
    with serving("s3", tmp_path / "s3") as server:
        make_bucket(server, "one", locked_days=0)
        client = s3_client(server)
        client.put_object(Bucket="one", Key="a", Body=b"x")
        client.delete_object(Bucket="one", Key="a")
        assert server.files("one") == []
