"""A mount that outlasts its maker and loses its place: found by reading from it, and made again."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from stead.backup import Restic, answers, hold, let_go, reads
from stead.run import run
from stead.words.home import Home
from tests.rig.places import Server, serving
from tests.rig.saver import saver

pytestmark = [pytest.mark.root]


def test_a_connection_that_is_gone_is_noticed_and_made_again(tmp_path: Path, restic: Path) -> None:
    point = tmp_path / "mount"
    with serving("sftp", tmp_path / "sftp") as server, saver(Home.at(tmp_path / "home"), tmp_path / "r", restic) as one:
        setting = one.begun("one", server.url("one"), server)
        assert one.backup(setting)["one"].snapshot is not None
        place = Restic(restic, one.noun(setting))
        try:
            hold(place, point)
            first = connections(server)
            assert len(first) == 1 and answers(point / "ids") and reads(point / "ids")
            hold(place, point)
            assert connections(server) == first, "what can be read is kept"
            # The ssh between them; its like ends when the other computer or the line is gone.
            os.kill(int(first[0]), signal.SIGTERM)
            until = time.monotonic() + 30
            # What was read before still is, from memory: chance decides what is asked for.
            while reads(point / "ids"):
                assert time.monotonic() < until, "nothing that is read says that the place is gone"
            assert answers(point / "ids"), "from memory, which is why it must be read"
            let_go(point)
            hold(place, point)
            assert all(reads(point / "ids") for _ in range(5)) and connections(server) != first
        finally:
            let_go(point)


def connections(server: Server) -> list[str]:
    return run(["pgrep", "-f", f"^ssh 127.0.0.1 .*{server.port}"], timeout=10, expect=(0, 1)).out.split()
