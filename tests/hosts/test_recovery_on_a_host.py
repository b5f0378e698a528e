"""A fresh Debian computer, the clone, the kit: everything back, also when its power fails on the way."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hosts.test_fresh_host import down_leaves_nothing, journal, wait_until_well
from tests.rig.hosts import Host, fresh_host, put_clone
from tests.rig.lost import SECRET, Lost

pytestmark = [pytest.mark.host, pytest.mark.apart, pytest.mark.timeout(1500)]


@pytest.fixture
def debian13(tmp_path_factory: pytest.TempPathFactory, lost: Lost) -> Iterator[Host]:
    """It finds the place under the path that the kit names, as a disk that was plugged in."""
    with fresh_host(tmp_path_factory.getbasetemp() / "hosts", "trixie") as host:
        there = host.root / str(lost.place).lstrip("/")
        there.parent.mkdir(parents=True)
        shutil.copytree(lost.place, there)
        shutil.copy(lost.kit, host.root / "root/kit.age")
        put_clone(host)
        yield host


def recovery(host: Host) -> dict[str, object] | None:
    """How far it is, from the host's own notes."""
    file = host.root / "var/lib/stead/recovery.json"
    try:
        state: dict[str, object] = json.loads(file.read_text())
    except FileNotFoundError:
        return None
    return state


def wait_for(what: str, condition: Callable[[], bool], seconds: float, host: Host) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"{what}: not within {seconds:.0f} s\n{journal(host)}"
        time.sleep(0.5)


def test_a_fresh_computer_becomes_the_lost_server_though_the_power_fails(debian13: Host, lost: Lost) -> None:
    began = time.monotonic()
    words = ["/root/stead/stead", "recover", "/root/kit.age", "--passphrase-file", "-"]

    def typed() -> None:
        debian13.run(*words, timeout=900, expect=(), stdin=SECRET + "\n")

    with ThreadPoolExecutor(1) as pool:
        pool.submit(typed)
        wait_for("serving", lambda: bool((recovery(debian13) or {}).get("serving_after")), 300, debian13)
        print(f"served after {time.monotonic() - began:.0f} s from nothing: {recovery(debian13)}")
        debian13.power_cut()
    debian13.boot()
    # Nobody does anything: the keeper mounts the copy again, serves it, brings everything here and moves over.
    wait_for("the end", lambda: recovery(debian13) is None, 300, debian13)
    wait_until_well(debian13, time.monotonic())
    current = (debian13.root / "var/lib/stead/releases/current").readlink()
    assert str(current) == lost.release, "programs were built, not taken from the place"
    assert "alice" in debian13.run("stead", "user", "list").out
    said = json.loads(debian13.run("stead", "proofs", "list", "--json").out)
    assert "recover" in json.dumps(said)
    down_leaves_nothing(debian13)
