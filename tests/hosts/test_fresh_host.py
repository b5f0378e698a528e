"""A newcomer's day: a fresh Debian computer, the README's first command, a reboot, a power cut, and off again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stead.release import Release
from tests.rig.hosts import Host, fresh_host, put_clone, put_release

pytestmark = [pytest.mark.host, pytest.mark.timeout(1500)]

_BACK_WITHIN = 60.0


@pytest.fixture
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "hosts"


@pytest.fixture
def debian13(hosts: Path) -> Iterator[Host]:
    """Builds its own release, as a newcomer's computer does."""
    with fresh_host(hosts, "trixie") as host:
        yield host


@pytest.fixture
def debian12(hosts: Path, release: Release) -> Iterator[Host]:
    """Finds a release in its store: the build is tried on the other one."""
    with fresh_host(hosts, "bookworm") as host:
        put_release(host, release)
        yield host


def probes(host: Host) -> dict[str, str]:
    """Every probe of the live server, by name; empty while nothing can be tried."""
    said = host.run("stead", "probe", "--json", expect=(), timeout=180)
    if not said.out.startswith("{"):
        return {}
    return {probe["name"]: probe["verdict"] for probe in json.loads(said.out)["probes"]}


def wait_until_well(host: Host, since: float) -> float:
    """Seconds from ``since`` until every probe passes."""
    found: dict[str, str] = {}
    while time.monotonic() - since < 3 * _BACK_WITHIN:
        found = probes(host)
        if found and set(found.values()) == {"pass"}:
            return time.monotonic() - since
        time.sleep(1)
    raise AssertionError(f"not well {3 * _BACK_WITHIN:.0f} s after the start: {found}\n{journal(host)}")


def journal(host: Host) -> str:
    return host.run("journalctl", "-b", "-n", "60", "--no-pager", expect=(), timeout=60).out


def up(host: Host) -> None:
    """The README's first command: exit 0, and a summary that says where, who and what was proven."""
    put_clone(host)
    said = host.run("/root/stead/stead", "up", timeout=1200, expect=())
    assert said.code == 0, f"stead up ended with {said.code}\n{said.out}\n{said.err[-4000:]}"
    for expected in ("IMAP", "https://", "user add", "drill: pass", "backup"):
        assert expected in said.out, said.out
    again = host.run("stead", "user", "add", "alice", "--password-file", "-", stdin="a long enough phrase\n")
    assert "alice" in again.out
    wait_until_well(host, time.monotonic())


def back_by_itself(host: Host, interrupt: Callable[[], object]) -> None:
    """After an interruption all services answer within a minute, and nobody did anything."""
    interrupt()
    began = time.monotonic()
    host.boot()
    took = wait_until_well(host, began)
    assert took <= _BACK_WITHIN, f"back after {took:.0f} s\n{journal(host)}"
    assert "alice" in host.run("stead", "user", "list").out


def down_leaves_nothing(host: Host) -> None:
    host.run("stead", "down", timeout=120)
    assert "stead" not in host.run("cat", "/proc/mounts").out
    assert host.run("ip", "netns", "list").out == ""
    assert "stead" not in host.run("nft", "list", "tables").out
    assert host.run("pgrep", "-a", "nspawn", expect=(0, 1)).out == ""
    assert host.loops() == []
    assert host.run("test", "-e", "/var/lib/stead/data.img").code == 0, "data stays"


def remove_leaves_what_is_precious(host: Host) -> None:
    host.run("stead", "remove", timeout=120)
    assert host.run("ls", "/var/lib/stead/data.img", "/var/lib/stead/secrets").code == 0
    units = host.run("systemctl", "list-unit-files", "stead*", "--no-legend", expect=()).out
    assert units.strip() == "", f"units stay behind: {units}"


def test_debian_13_from_nothing(debian13: Host) -> None:
    up(debian13)
    back_by_itself(debian13, debian13.halt)
    down_leaves_nothing(debian13)
    remove_leaves_what_is_precious(debian13)


def test_debian_12_and_a_power_cut(debian12: Host) -> None:
    up(debian12)
    back_by_itself(debian12, debian12.power_cut)
    down_leaves_nothing(debian12)
