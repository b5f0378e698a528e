"""A wrong clock neither silences an alarm nor makes it come too often; ages of proofs do not follow it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stead import alerts
from stead.alerts.deadlines import DRILL, age_of, read_proofs, sights
from stead.alerts.moment import Moment
from stead.records import Records
from stead.words.home import Home
from stead.words.verdict import Verdict
from tests.alerts import far
from tests.alerts.conftest import ALARM, Clock, all_tested, find, wanted

#: Each message is a process of its own.
pytestmark = pytest.mark.waits

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
JUMPS = [-400 * DAY, -2 * HOUR, 2 * HOUR, 400 * DAY]


def alarms(hook: far.Hook) -> int:
    return sum(ALARM.what in title for title in hook.titles)


@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_neither_silences_nor_floods(place: Home, hook: far.Hook, clock: Clock, jump: float) -> None:
    wishes = wanted(hook.url)
    all_tested(place, wishes, clock.now())
    find(place, ALARM)
    at = []
    for minute in range(0, 180, 10):
        if minute == 20:
            clock.wall += jump
        if alerts.tell(place, wishes, clock.now()):
            at.append(minute)
        clock.pass_(10 * MINUTE)
    assert at == [0, 30, 150]


@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_across_a_reboot_costs_one_message_at_most(
    place: Home, hook: far.Hook, clock: Clock, jump: float
) -> None:
    """Only the wall clock tells how long it was: where it lies, the alarm is said once more, then in step again."""
    wishes = wanted(hook.url)
    all_tested(place, wishes, clock.now())
    find(place, ALARM)
    for minute in (0, 30):
        assert alerts.tell(place, wishes, clock.now()), minute
        clock.pass_(30 * MINUTE)
    clock.boot, clock.steady = "boot-2", 30.0
    clock.wall += jump
    before = alarms(hook)
    for _ in range(9):
        alerts.tell(place, wishes, clock.pass_(10 * MINUTE))
    assert alarms(hook) - before <= 1  # after 400 days the month's test and the week's letter are due besides
    for _ in range(9):
        alerts.tell(place, wishes, clock.pass_(HOUR))
    assert alarms(hook) > before


@pytest.mark.parametrize("jump", JUMPS)
def test_a_proof_is_as_old_as_it_is_whatever_the_clock_says(place: Home, clock: Clock, jump: float) -> None:
    wishes = wanted()
    with Records(place.records) as records:
        records.save_proof("drill", Verdict.PASS, clock.now().time, 1.0, {"place": "attic"})
        proofs = read_proofs(records, wishes, clock.now())
    seen = sights({}, proofs, wishes, clock.pass_(2 * MINUTE))
    clock.wall += jump
    now = clock.pass_(8 * MINUTE)
    assert age_of(sights(seen, proofs, wishes, now), f"{DRILL} attic", now) == pytest.approx(10 * MINUTE)


def test_a_proof_from_the_future_proves_nothing(place: Home, clock: Clock) -> None:
    wishes = wanted()
    with Records(place.records) as records:
        records.save_proof("drill", Verdict.PASS, clock.now().time + timedelta(hours=1), 1.0, {"place": "attic"})
        proofs = read_proofs(records, wishes, clock.now())
    assert age_of(sights({}, proofs, wishes, clock.now()), f"{DRILL} attic", clock.now()) == float("inf")


def test_the_steady_clock_is_the_kernels() -> None:
    first, second = Moment.now(), Moment.now()
    assert 0 <= second.since(first, unknown=-1) < 5 and first.since(second, unknown=-1) == 0
    before = Moment(second.wall + 100, "another boot", 0.0)
    assert second.since(before, unknown=-1) == -1
