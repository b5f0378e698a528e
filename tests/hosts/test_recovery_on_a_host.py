"""A fresh Debian computer, the clone, the kit: everything back, and it stays after a reboot."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest

from tests.hosts.test_fresh_host import back_by_itself, down_leaves_nothing, journal
from tests.rig.hosts import Host, fresh_host, put_clone
from tests.rig.lost import SECRET, Lost

pytestmark = [pytest.mark.host, pytest.mark.timeout(1500)]


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


def test_a_fresh_computer_becomes_the_lost_server(debian13: Host, lost: Lost) -> None:
    words = ["/root/stead/stead", "recover", "/root/kit.age", "--passphrase-file", "-", "--json"]
    said = debian13.run(*words, timeout=900, expect=(), stdin=SECRET + "\n")
    assert said.code == 0, f"{said.err[-4000:]}\n{journal(debian13)}"
    told = json.loads(said.out)
    assert told["place"] == "attic" and told["up"]["drill"]["verdict"] == "pass"
    assert f'"{lost.release}"' in said.out, "programs were built, not taken from the place"
    assert "alice" in debian13.run("stead", "user", "list").out
    back_by_itself(debian13, debian13.power_cut)
    down_leaves_nothing(debian13)
    print(f"served after {told['serving_after']} s, all here after {told['seconds']} s")
