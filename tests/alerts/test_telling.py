"""Telling for real: messages that arrive at servers on loopback, whatever else is broken."""

from __future__ import annotations

import pytest

from stead import alerts
from stead.words.home import Home
from stead.words.verdict import Finding, Severity
from tests.alerts import far
from tests.alerts.conftest import ALARM, Clock, all_tested, find, wanted

#: Each message is a process of its own.
pytestmark = pytest.mark.waits

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def test_an_alarm_goes_out_on_every_way_in_words_with_the_next_step(
    place: Home, hook: far.Hook, other: far.Hook, clock: Clock
) -> None:
    wishes = wanted(hook.url, other.url)
    all_tested(place, wishes, clock.now())
    find(place, ALARM, Finding("backup-failing:attic", Severity.ALARM, "the last backup failed", "", "correct it"))
    outcomes = alerts.tell(place, wishes, clock.pass_(MINUTE))
    assert [o.good for o in outcomes] == [True, True]
    for taken in (hook, other):
        (message,) = taken.got
        assert message["title"] == "Stead example.org: the data has no room left (and 1 more)"
        for words in (
            "the data has no room left",
            "next: make room: stead status",
            "the last backup failed",
            "ack all",
        ):
            assert words in message["message"]


def test_it_is_repeated_sooner_first_then_daily_until_acknowledged(place: Home, hook: far.Hook, clock: Clock) -> None:
    wishes = wanted(hook.url)
    all_tested(place, wishes, clock.now())
    find(place, ALARM)
    at = []
    for minute in range(0, 3 * 24 * 60, 30):
        if alerts.tell(place, wishes, clock.now()):
            at.append(minute)
        clock.pass_(30 * MINUTE)
    assert at == [0, 30, 150, 630, 2070, 3510]
    assert alerts.acknowledge(place, ALARM.id) == (ALARM.what,)
    assert not alerts.tell(place, wishes, clock.pass_(3 * DAY))
    assert len(hook.got) == 6 and "Still so" in hook.got[1]["message"]


def test_its_end_is_said_once_after_it_stayed_away(place: Home, hook: far.Hook, clock: Clock) -> None:
    wishes = wanted(hook.url)
    all_tested(place, wishes, clock.now())
    find(place, ALARM)
    alerts.tell(place, wishes, clock.now())
    find(place)
    assert not alerts.tell(place, wishes, clock.pass_(MINUTE))
    for _ in range(20):
        alerts.tell(place, wishes, clock.pass_(10 * MINUTE))
    assert hook.titles[1:] == ["Stead example.org: well again: the data has no room left"]
    assert not alerts.Memory(place).load().alerts
