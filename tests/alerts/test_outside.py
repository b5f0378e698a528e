"""What nobody on the computer can tell any more is told by somebody outside: real keepers, real cables, a real watcher.

The watcher is a service like Healthchecks, which alarms when it was not fed within its time.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stead.alerts import Memory
from stead.records import Records
from stead.words.home import Home
from stead.words.verdict import Verdict
from tests.alerts import far
from tests.alerts.computer import Computer, computer
from tests.alerts.conftest import ALARM, find

pytestmark = [pytest.mark.waits, pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

_PATIENCE = 20.0
_SETTINGS = """[goals]
prove_every = "5m"
[alerts]
urls = ["{hook}"]
deadman = "{watcher}"
feed_every = "10s"
"""


@dataclass
class World:
    """The computer, and who is outside."""

    computer: Computer
    watcher: far.Watcher
    hook: far.Hook


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A computer that runs well: its last drill passed, it feeds the watcher."""
    home = Home.at(tmp_path / "c")
    for folder in (home.etc, home.lib, home.run):
        folder.mkdir(parents=True)
    with Records(home.records) as records:
        records.save_proof("drill", Verdict.PASS, datetime.now(UTC), 1.0, {"place": "same-disk"})
    with ExitStack() as stack:
        one = stack.enter_context(computer(home))
        pem, tls = far.certificate(tmp_path, one.outside)
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        watcher = stack.enter_context(far.watcher(tls, _PATIENCE, one.outside))
        hook = stack.enter_context(far.hook(one.outside))
        home.settings_file.write_text(_SETTINGS.format(hook=hook.url, watcher=watcher.url))
        one.on()
        wait(lambda: watcher.calls > 0, 60, "it never fed the watcher")
        assert not watcher.alarms
        yield World(one, watcher, hook)


def wait(done: Callable[[], bool], seconds: float, words: str) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, words
        time.sleep(0.1)


def failing(home: Home) -> bool:
    return any(way.failing for way in Memory(home).load().ways.values())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_the_keeper_is_dead_or_hangs(world: World, number: signal.Signals) -> None:
    world.computer.signal(number, "guard", "keeper")
    assert world.watcher.wait(True, _PATIENCE + 15)


def test_the_computer_is_off(world: World) -> None:
    time.sleep(_PATIENCE + 5)
    assert not world.watcher.alarms, "a keeper at work keeps the watcher quiet"
    world.computer.off()
    assert world.watcher.wait(True, _PATIENCE + 5)


def test_the_network_is_cut_and_what_happened_meanwhile_is_told_afterwards(world: World) -> None:
    world.computer.cable("down")
    find(world.computer.home, ALARM, source="test")
    assert world.watcher.wait(True, _PATIENCE + 15)
    wait(lambda: failing(world.computer.home), 120, "it never tried while the cable was out")
    assert not world.hook.got
    world.computer.cable("up")
    assert world.watcher.wait(False, 60)
    wait(lambda: any(ALARM.what in one["message"] for one in world.hook.got), 180, "what it missed did not come")
