"""The keeper as a real process, on a home without a server: one at a time, not to be killed, quick to stop, small."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stead.keeper import ensure_running, is_running, running, stop
from stead.keeper.children import begin, forget
from stead.keeper.daemon import Keeper
from stead.keeper.resume import adopt
from stead.keeper.schedule import Act
from stead.records import Records
from stead.run import run, start
from stead.words.home import Home
from stead.words.verdict import Verdict

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="the keeper needs root")]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home.at(tmp_path)
    for folder in (home.etc, home.lib, home.run):
        folder.mkdir()
    yield home
    stop(home)


def until(done: Callable[[], object], seconds: float) -> float:
    """Wait for something and return how long it took."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < seconds, "it took too long"
        time.sleep(0.02)
    return time.monotonic() - began


def keeper_pid(home: Home) -> int:
    until(lambda: running.holder(home, "keeper"), 20)
    return running.holder(home, "keeper") or 0


def test_it_starts_once_and_stops_soon(home: Home) -> None:
    assert not is_running(home)
    ensure_running(home)
    pid = keeper_pid(home)
    ensure_running(home)
    assert keeper_pid(home) == pid
    second = run(
        [sys.executable, "-m", "stead.keeper", "--home", home.lib.parent],
        timeout=60,
        expect=(1,),
        env=running.environment(),
    )
    assert f"runs already (pid {pid})" in second.err
    stop(home)
    assert not is_running(home) and running.holder(home, "guard") is None and not running.acts_under_way(home)


def test_the_keeper_of_another_program_is_replaced(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "venv/bin/python"
    other.parent.mkdir(parents=True)
    other.symlink_to(Path(sys.executable).resolve())
    start([other, "-m", "stead.keeper", "--home", home.lib.parent], env=running.environment())
    pid = keeper_pid(home)
    ensure_running(home)
    assert keeper_pid(home) != pid and running.started(pid) is None


def test_sigterm_ends_it_within_two_seconds(home: Home) -> None:
    ensure_running(home)
    pid = keeper_pid(home)
    time.sleep(0.5)
    running.stop_file(home).touch()
    os.kill(pid, signal.SIGTERM)
    assert until(lambda: running.started(pid) is None, 2.0) < 2.0


def test_it_comes_back_after_kill_9_and_so_does_its_guard(home: Home) -> None:
    ensure_running(home)
    for _ in range(2):
        pid = keeper_pid(home)
        os.kill(pid, signal.SIGKILL)
        until(lambda: running.holder(home, "keeper") not in (None, pid), 20)  # noqa: B023
    guard = running.holder(home, "guard")
    assert guard
    os.kill(guard, signal.SIGKILL)
    until(lambda: running.holder(home, "guard") not in (None, guard), 20)


def test_it_is_small(home: Home) -> None:
    ensure_running(home)
    pid = keeper_pid(home)
    time.sleep(3)
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    assert resident < 30_000, f"{resident} kB"


def test_an_act_past_its_deadline_is_ended_and_unproven(home: Home, tmp_path: Path) -> None:
    keeper, act = hanging_keeper(home, tmp_path)
    keeper._start(act, time.monotonic())
    pid = keeper._children[act.name].pid
    until(lambda: turned(keeper) and act.name not in keeper._children, 60)
    assert running.started(pid) is None
    with Records(home.records) as records:
        (proof,) = records.proofs("drill")
        assert proof.verdict is Verdict.UNPROVEN and "did not end within 2.0 s" in proof.evidence["reason"]
        assert proof.evidence["place"] == "attic"
        (done,) = records.acts(act.name)
        assert done.outcome == "failed"


def test_a_new_keeper_adopts_what_runs_and_closes_what_died(home: Home, tmp_path: Path) -> None:
    """The act is started by a process that is then gone, as after ``kill -9``."""
    _, act = hanging_keeper(home, tmp_path)
    with Records(home.records) as records:
        dead = records.begin_act("backup", {})
        alive = records.begin_act(act.name, {})
        records.connection.execute("UPDATE act SET doer = 'another-boot 1 1'")
    child = begin(home, act, alive)
    keeper = Keeper(home)
    adopted = adopt(home, keeper.journal, {act.name: act, "backup": act})
    assert set(adopted) == {act.name} and adopted[act.name].pid == child.pid
    with Records(home.records) as records:
        outcome = {found.id: found.outcome for found in records.acts()}
    assert outcome == {dead: "undone", alive: None}
    adopted[act.name].end(signal.SIGKILL)
    until(lambda: child.ended() is not None and adopted[act.name].ended() == 0, 10)


def test_an_act_that_says_that_it_may_take_days_is_set_aside_and_the_next_one_comes(home: Home, tmp_path: Path) -> None:
    keeper, act = hanging_keeper(home, tmp_path)
    keeper._due[act.name] = 0
    keeper._turn()
    first = keeper._children[act.name]
    home.long_acts.mkdir()
    (home.long_acts / str(first.pid)).touch()
    keeper._due[act.name] = 0
    try:
        until(lambda: turned(keeper) and act.name in keeper._children and len(keeper._children) == 2, 10)
        second = keeper._children[act.name]
        assert second.pid != first.pid and first.ended() is None, "both run"
        assert set(running.acts_under_way(home).values()) == {first.pid, second.pid}
        (aside,) = (child for child in keeper._children.values() if child.pid == first.pid)
        aside.since -= 10 * act.deadline
        keeper._turn()
        assert not aside.overdue and first.ended() is None, "its deadline is another one"
    finally:
        for child in list(keeper._children.values()):
            child.end(signal.SIGKILL)
    until(lambda: turned(keeper) and not keeper._children, 10)
    assert running.acts_under_way(home) == {}
    with Records(home.records) as records:
        assert [found.outcome for found in records.acts(act.name)] == ["failed", "failed"]


def test_a_failing_acts_last_words_are_kept(home: Home) -> None:
    act = Act("probe", ("probe", "--json"), 60, 60)
    child = begin(home, act, 1)
    until(lambda: child.ended() is not None, 60)
    assert child.ended() == 1
    assert "the server is not running" in forget(home, child)
    assert running.acts_under_way(home) == {}


def turned(keeper: Keeper) -> bool:
    keeper._turn()
    return True


def hanging_keeper(home: Home, tmp_path: Path) -> tuple[Keeper, Act]:
    """A keeper with one act that never ends: it waits for a password from a pipe nobody writes to."""
    (home.data / "identity").mkdir(parents=True)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    act = Act("drill-attic", ("user", "add", "ann", "--password-file", str(pipe)), 3600, 2, alone="heavy", kept=True)
    keeper = Keeper(home)
    keeper._settings_read = time.monotonic() + 3600
    keeper._acts, keeper._due = (act,), {act.name: time.monotonic() + 3600}
    return keeper, act
