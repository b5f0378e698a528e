"""What is told when, decided from facts alone: ageing, patience, flapping, grouping, acknowledging."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from stead.alerts.ageing import aged
from stead.alerts.plan import News, acknowledge, fared, news_for, observe, went_out
from stead.alerts.state import State, WayState
from stead.words.verdict import Finding, Severity
from tests.alerts.conftest import ALARM, Clock, wanted

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
WISHES = wanted("ntfy://t")
WAY = "ntfy"


def warning(key: str) -> Finding:
    return Finding(key, Severity.WARNING, "something is unproven", "", "prove it")


@pytest.mark.parametrize(
    ("key", "quiet", "alarm"),
    [
        ("drill-unproven:attic", 3 * HOUR, 3 * HOUR + 1),
        ("drill-missing:attic", 3 * HOUR, 3 * HOUR + 1),
        ("drill-old:attic", 3 * HOUR, 3 * HOUR + 1),
        ("backup-failing:attic", HOUR, HOUR + 1),
        ("backup-old:attic", HOUR, HOUR + 1),
        ("drill-old:attic/yesterday", 36 * HOUR, 36 * HOUR + 1),
    ],
)
def test_what_stays_unproven_past_its_deadline_is_an_alarm(key: str, quiet: float, alarm: float) -> None:
    """It is as old as the last good one, however lately the finding got its name."""
    name = f"{key.partition('-')[0]} {key.partition(':')[2]}"
    assert aged(warning(key), 0.0, {name: quiet}, WISHES).severity is Severity.WARNING
    late = aged(warning(key), 0.0, {name: alarm}, WISHES)
    assert late.severity is Severity.ALARM and "unproven for" in late.what


def test_other_unproven_things_age_by_how_long_they_are_there() -> None:
    assert aged(warning("probes-old"), HOUR, {}, WISHES).severity is Severity.WARNING
    assert aged(warning("probes-old"), HOUR + 1, {}, WISHES).severity is Severity.ALARM
    assert aged(warning("read-back-old:attic"), 3 * DAY, {}, WISHES).severity is Severity.WARNING
    assert aged(warning("read-back-old:attic"), 3 * DAY + 1, {}, WISHES).severity is Severity.ALARM
    for forever in ("same-disk-only", "kit-missing", "alerts-one-way"):
        assert aged(warning(forever), 1000 * DAY, {}, WISHES).severity is Severity.WARNING


class Told:
    """One way, minute by minute."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.state = clock, State()
        self.messages: list[tuple[float, News]] = []

    def minutes(self, number: float, *found: Finding, ages: Mapping[str, float] | None = None) -> None:
        until = self.clock.steady + number * MINUTE
        while self.clock.steady < until:
            now = self.clock.pass_(MINUTE)
            self.state = observe(self.state, found, ages or {}, WISHES, now)
            if news := news_for(self.state, WAY, now):
                self.messages.append((now.steady, news))
                self.state = went_out(self.state, WAY, news, now)
                fares = fared(self.state.ways.get(WAY, WayState()), good=True, detail="sent", now=now)
                self.state = State(**{**vars(self.state), "ways": {WAY: fares}})


@pytest.fixture
def told(clock: Clock) -> Told:
    return Told(clock)


def test_all_of_one_moment_is_one_message(told: Told) -> None:
    others = [Finding(f"x:{n}", Severity.ALARM, f"thing {n}", "", "do") for n in range(30)]
    told.minutes(3, ALARM, *others)
    ((_, news),) = told.messages
    assert len(news.first) == 31


def test_new_alarms_shortly_after_wait_for_each_other(told: Told) -> None:
    told.minutes(2, ALARM)
    for n in range(1, 10):
        told.minutes(1, ALARM, *[Finding(f"x:{i}", Severity.ALARM, "thing", "", "do") for i in range(n)])
    assert len(told.messages) <= 6, "ten alarms in ten minutes, two minutes between messages"


def test_one_that_comes_and_goes_is_not_a_flood(told: Told) -> None:
    for _ in range(72):
        told.minutes(10, ALARM)
        told.minutes(10)
    assert len(told.messages) <= 8, "once over and back, it is over only when it stays away for longer"
    quick = Told(told.clock)
    for _ in range(240):
        quick.minutes(3, ALARM)
        quick.minutes(3)
    assert len(quick.messages) <= 6, "gone for a moment is not over"


def test_what_an_ordinary_restart_makes_is_no_alarm(told: Told) -> None:
    for key in ("server-down", "probe-failing:mail/receive"):
        told.minutes(1, Finding(key, Severity.ALARM, "it is down", "", "start it"))
        told.minutes(10)
    assert not told.messages
    told.minutes(4, Finding("server-down", Severity.ALARM, "it is down", "", "start it"))
    assert len(told.messages) == 1


def test_nothing_is_over_while_nothing_can_be_asked(told: Told) -> None:
    """The probes of a server that is down do not fail any more: that is no good news."""
    down = Finding("server-down", Severity.ALARM, "it is down", "", "start it")
    told.minutes(5, Finding("probe-failing:mail/receive", Severity.ALARM, "mail fails", "", "look"))
    told.minutes(60, down)
    assert not any(news.over for _, news in told.messages)
    told.minutes(20)
    assert sorted(alert.id for _, news in told.messages for alert in news.over) == [
        "probe-failing:mail/receive",
        "server-down",
    ]


@pytest.mark.parametrize("blind", ["not-set-up", "recovering", "records-broken"])
def test_what_hides_other_findings_ends_none(told: Told, blind: str) -> None:
    told.minutes(3, ALARM)
    told.minutes(60, Finding(blind, Severity.WARNING, "it is not asked now", "", "wait"))
    assert not any(news.over for _, news in told.messages)


def test_an_alarm_that_became_a_warning_is_not_over(told: Told) -> None:
    told.minutes(2, ALARM)
    told.minutes(20, Finding(ALARM.id, Severity.WARNING, "nearly full", "", "make room"))
    assert not any(news.over for _, news in told.messages) and ALARM.id in told.state.alerts


def test_an_acknowledged_alarm_is_silent_until_it_was_over(told: Told) -> None:
    told.minutes(2, ALARM)
    told.state = acknowledge(told.state, {ALARM.id: "2026-11-24T00:00:00Z"})
    told.minutes(26 * 60, ALARM)
    assert len(told.messages) == 1
    told.minutes(20)
    assert [len(news.over) for _, news in told.messages] == [0, 1]
    told.minutes(90, ALARM)
    assert len(told.messages) > 2 and told.state.alerts[ALARM.id].acknowledged is None


def test_a_computer_that_has_just_started_is_given_time(clock: Clock) -> None:
    clock.steady = 0.0
    told = Told(clock)
    told.minutes(4, ALARM)
    assert not told.messages
    told.minutes(2, ALARM)
    assert len(told.messages) == 1


def test_the_state_is_read_as_it_was_written(told: Told) -> None:
    told.minutes(3, ALARM, warning("drill-old:attic"))
    told.minutes(3)
    assert State.from_json(told.state.to_json()) == told.state
