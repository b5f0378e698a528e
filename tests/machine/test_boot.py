"""A machine boots, answers, shows what fails in it, keeps its log on the host, and leaves nothing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from stead import machine
from stead.machine import naming, state
from stead.words.declaration import TreeFile
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.machine import Machine, MachinePlan, NetworkKind
from tests.machine.conftest import Planner, unit
from tests.machine.talk import call, shell

pytestmark = pytest.mark.boot
Start = Callable[[MachinePlan], Machine]


def test_it_boots_hardened_units_and_is_found_and_stopped(home: Home, plan: Planner, start: Start) -> None:
    running = start(plan(home))
    assert machine.find(home, "r-000001") == running
    assert machine.names(home) == ("r-000001",)
    assert machine.failed_units(running) == ()
    machine.wait_booted(running)
    endpoint = running.endpoints["smtp"]
    assert call(running.netns, endpoint.host, endpoint.port) == "you are ::ffff:198.18.0.1"
    assert "vmail" not in call(None, endpoint.host, endpoint.port)
    with pytest.raises(SteadError, match="running already"):
        start(plan(home))
    machine.stop(home, "r-000001")
    assert machine.find(home, "r-000001") is None
    machine.stop(home, "r-000001")
    assert machine.leftovers(home) == ()
    assert not home.machines.exists() or not any(home.machines.iterdir())


def test_what_fails_inside_is_named_with_what_it_said(home: Home, plan: Planner, start: Start) -> None:
    broken = unit("broken.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo the disk is gone; exit 3'\n")
    running = start(plan(home, config=broken))
    assert machine.failed_units(running) == ("broken.service",)
    assert any("broken.service" in line for line in machine.console(home, "r-000001"))
    until = time.monotonic() + 3
    while time.monotonic() < until:
        said = list(machine.read_logs(home, "r-000001", unit="broken.service"))
        if said:
            break
        time.sleep(0.05)
    assert any(line.message == "the disk is gone" and line.uid == 0 for line in said)


def test_the_log_of_the_live_machine_outlives_it_and_is_of_nobody_in_the_machine(
    home: Home, plan: Planner, start: Start, host_network: None
) -> None:
    running = start(plan(home, "live", NetworkKind.LOCAL))
    forged = "printf '<3>line\\033[31m one\\r\\ntwo\\n' | systemd-cat -t forged; echo done"
    assert "done" in shell(running, forged).text
    machine.stop(home, "live")
    lines = list(machine.read_logs(home, "live"))
    assert any(line.unit == "echo.service" and line.uid == 614 and "ready" in line.message for line in lines)
    assert any("[31m one" in line.message for line in lines)
    assert not any(ord(c) < 32 for line in lines for c in line.message)
    assert {file.stat().st_uid for file in (home.logs / "live").iterdir()} == {590001}


def test_a_dead_collector_is_replaced_and_the_machine_does_not_mind(home: Home, plan: Planner, start: Start) -> None:
    running = start(plan(home))
    folder = naming.folder(home, "r-000001")
    first = state.noted(folder, "collector")
    assert first
    os.kill(first, 9)
    state.wait_gone({first}, 2)
    for number in range(3):
        assert "done" in shell(running, f"echo lost {number} | systemd-cat; echo done").text
    machine.ensure_collector(home, "r-000001")
    until = time.monotonic() + 10
    found: list[str] = []
    while time.monotonic() < until and not found:
        shell(running, "echo heard again | systemd-cat")
        time.sleep(0.1)
        found = [line.message for line in machine.read_logs(home, "r-000001") if line.message == "heard again"]
    assert found


def test_the_live_machine_may_finish_its_work(home: Home, plan: Planner, start: Start, host_network: None) -> None:
    last = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStop=/bin/sh -c 'echo bye >/data/mail/bye'\n"
    start(plan(home, "live", NetworkKind.LOCAL, config=unit("last.service", last)))
    began = time.monotonic()
    machine.stop(home, "live")
    assert time.monotonic() - began < 3
    assert (home.lib / "testdata/mail/bye").read_text() == "bye\n"


def test_what_was_told_to_stop_is_not_taken_for_running_though_its_stop_was_killed(
    home: Home, plan: Planner, start: Start, host_network: None
) -> None:
    slow = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStop=/bin/sleep 8\n"
    wanted = plan(home, "live", NetworkKind.LOCAL, config=unit("slow.service", slow))
    running = start(wanted)
    child = os.fork()
    if child == 0:
        machine.stop(home, "live")
        os._exit(0)
    time.sleep(0.5)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert state.started(running.leader), "it stopped too fast to see anything"
    assert machine.find(home, "live") is None
    again = start(wanted)
    assert again.leader != running.leader and machine.find(home, "live") == again


def test_a_machine_that_cannot_boot_says_why_and_leaves_nothing(home: Home, plan: Planner, start: Start) -> None:
    no_init = TreeFile("/usr/lib/systemd/systemd", b"#!/bin/sh\necho no init today\nexit 5\n", 0o755)
    wanted = plan(home, config=(no_init,))
    with pytest.raises(SteadError, match=r"(?s)ended while it was booting.*no init today"):
        start(wanted)
    with pytest.raises(SteadError, match="which no service declares"):
        start(plan(home, config=(TreeFile("/etc/x", owner="nobody-here"),)))


def test_a_machine_that_asks_for_a_restart_ends(home: Home, plan: Planner, start: Start) -> None:
    """Its supervisor must not start it over: what was written outside data would be kept."""
    running = start(plan(home))
    shell(running, "systemctl reboot")
    until = time.monotonic() + 20
    while machine.find(home, "r-000001") is not None and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.3)
    assert machine.find(home, "r-000001") is None
