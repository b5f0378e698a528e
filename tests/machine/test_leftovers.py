"""Whoever is killed, and whenever: a stop or a sweep afterwards leaves nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from stead import machine
from stead.machine import naming, network, processes, programs, saved, state
from stead.run import kernel, run
from stead.run import start as start_process
from stead.words.home import Home
from stead.words.machine import Machine, MachinePlan
from tests.machine.conftest import Planner

pytestmark = pytest.mark.boot


def everything() -> set[str]:
    """What the kernel has of such things, whoever's."""
    mounts = {str(where) for where, _ in kernel.mount_points()}
    spaces = set(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else set()
    tables = set(run(["nft", "list", "tables"], timeout=10).out.splitlines())
    return mounts | spaces | tables | network.links()


def of(home: Home, things: set[str]) -> set[str]:
    return {thing for thing in things if home.tag in thing or str(home.run) in thing}


def test_five_cycles_of_kill_and_stop(home: Home, plan: Planner, start: Callable[[MachinePlan], Machine]) -> None:
    for cycle in range(5):
        start(plan(home, f"r-00000{cycle}"))
        folder = naming.folder(home, f"r-00000{cycle}")
        supervisor = state.noted(folder, "supervisor")
        assert supervisor
        os.kill(supervisor, 9)
        if cycle % 2:
            machine.sweep(home)
        else:
            machine.stop(home, f"r-00000{cycle}")
        assert machine.leftovers(home) == ()
        assert of(home, everything()) == set()
        assert not processes.of_machine(home, f"r-00000{cycle}")


@pytest.mark.parametrize("after", [0.08, 0.15, 0.22, 0.3, 0.4, 0.6])
def test_a_launcher_killed_at_any_moment(home: Home, plan: Planner, after: float) -> None:
    if programs.has_systemd():
        pytest.skip("the launcher is a unit here")
    wanted = plan(home, "r-0000ff")
    naming.folder(home, wanted.name).mkdir(parents=True)
    file = naming.plan_file(home, wanted.name)
    saved.save(wanted, file)
    child = start_process(programs.launcher(file), env=programs.ENVIRONMENT)
    time.sleep(after)
    child.kill()
    child.wait()
    assert machine.leftovers(home)
    machine.sweep(home)
    assert machine.leftovers(home) == ()
    assert of(home, everything()) == set()
