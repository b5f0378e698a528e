"""What the keeper starts when: pure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stead.keeper.clock import Clock
from stead.keeper.schedule import Act, acts, due_after, first_due, next_due, to_start
from stead.settings import parse

SETTINGS = parse("", Path("x"))
LIGHT = Act("mark", (), 60, 50)
HEAVY = Act("backup", (), 600, 3600, alone="heavy", kept=True, first=10)
DRILL = replace(HEAVY, name="drill-a", interval=3600)


def test_every_act_of_the_contract_with_its_interval() -> None:
    found = {act.name: act for act in acts(SETTINGS, ["attic", "cellar"])}
    assert [found[name].interval for name in ("mark", "probe", "picture", "data", "backup")] == [60, 300, 600, 60, 600]
    assert found["drill-cellar"].args == ("drill", "--place", "cellar", "--by-keeper")
    assert found["drill-attic"].interval == 3600 and "sweep" in found
    assert all(act.deadline > 0 for act in found.values())


def test_what_is_proven_beside_the_hourly_drill() -> None:
    found = {act.name: act for act in acts(SETTINGS, ["attic"])}
    assert found["older-attic"].args == ("drill", "--place", "attic", "--by-keeper", "--age", "turn")
    assert found["older-attic"].interval == 4 * 3600 and found["prune"].interval == 25 * 3600
    assert found["verify-attic"].interval == 86400 and found["full-attic"].interval == 30 * 86400
    assert all(found[name].kept for name in ("older-attic", "prune", "verify-attic", "full-attic"))
    # What may take hours keeps no backup and no hourly drill waiting.
    due = dict.fromkeys(found, 0.0)
    long = {name: found[name] for name in ("verify-attic", "full-attic")}
    assert "backup" in {act.name for act in to_start([found["backup"]], due, long, 10)}
    assert due_after(found["full-attic"], 30 * 86400, 1, 10) == 86410
    # Not at the same time of the next day: that may be in quiet hours again.
    assert due_after(found["full-attic"], 30 * 86400, 3, 10) == due_after(found["verify-attic"], 86400, 3, 10) == 10810
    assert due_after(found["full-attic"], 30 * 86400, 0, 10) == 30 * 86400


def test_a_restarted_keeper_does_not_do_all_again() -> None:
    assert first_due(HEAVY, None) == 10
    assert first_due(HEAVY, 100) == 500
    assert first_due(HEAVY, 10_000) == 10
    assert first_due(HEAVY, -500) == 10  # the clock was set back: better too early than never
    assert first_due(LIGHT, 5) == 0


def test_only_what_is_due_and_never_two_of_a_kind() -> None:
    due = {"mark": 5.0, "backup": 20.0}
    assert to_start([LIGHT, HEAVY], due, {}, 10) == [LIGHT]
    assert to_start([LIGHT, HEAVY], due, {"mark": LIGHT}, 10) == []


def test_heavy_acts_wait_for_each_other_the_longest_overdue_first() -> None:
    due = {"mark": 0.0, "backup": 5.0, "drill-a": 3.0}
    assert to_start([LIGHT, HEAVY, DRILL], due, {}, 10) == [LIGHT, DRILL]
    assert to_start([LIGHT, HEAVY, DRILL], due, {"backup": HEAVY}, 10) == [LIGHT]


def test_a_failed_probe_is_made_again_soon() -> None:
    probe = replace(LIGHT, name="probe")
    assert due_after(probe, 300, 1, 10) == 25
    assert due_after(probe, 300, 0, 10) == 300
    assert due_after(LIGHT, 300, 1, 10) == 300


def test_marking_and_probing_never_meet() -> None:
    found = {act.name: act for act in acts(SETTINGS, [])}
    assert to_start([found["probe"]], {"probe": 0.0}, {"mark": found["mark"]}, 10) == []


def test_what_was_missed_is_not_made_up_for() -> None:
    assert next_due(LIGHT, 100, 101) == 160
    assert next_due(LIGHT, 100, 1000) == 1060


def test_a_clock_jump_is_seen_and_drift_or_suspend_is_not() -> None:
    wall, steady = [1000.0], [10.0]
    clock = Clock(lambda: wall[0], lambda: steady[0])
    wall[0], steady[0] = 1300.0, 310.0
    assert clock.jumped() is None
    wall[0], steady[0] = 1311.0, 320.0
    assert clock.jumped() is None
    wall[0] += 3600
    assert clock.jumped() == 3600
    assert clock.jumped() is None
    wall[0] -= 7200
    assert clock.jumped() == -7200
