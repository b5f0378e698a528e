"""The self-test and its acknowledgement, and the weekly letter."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from stead import alerts
from stead.alerts.judging import judge
from stead.alerts.telling import observe
from stead.records import Records, Snapshot
from stead.words.home import Home
from stead.words.verdict import Finding, Severity, Verdict
from tests.alerts import far
from tests.alerts.conftest import Clock, all_tested, find, wanted

#: Each message is a process of its own.
pytestmark = pytest.mark.waits

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def codes(hook: far.Hook) -> list[str]:
    found = [re.search(r"stead alerts ack ([A-Z2-9]{5})\b", one["message"]) for one in hook.got]
    return [match[1] for match in found if match]


def test_every_way_is_tested_at_once_and_then_monthly(place: Home, hook: far.Hook, clock: Clock) -> None:
    wishes = wanted(hook.url)
    at = []
    for hour in range(0, 70 * 24, 6):
        if any(o.good for o in alerts.tell(place, wishes, clock.now())) and "a test" in hook.titles[-1]:
            at.append(hour // 24)
        clock.pass_(6 * HOUR)
    assert at == [0, 30, 60] and len(set(codes(hook))) == 3


def test_a_test_nobody_saw_is_a_finding_until_it_is_acknowledged(place: Home, hook: far.Hook, clock: Clock) -> None:
    wishes = wanted(hook.url)
    alerts.tell(place, wishes, clock.now())
    memory = alerts.Memory(place)
    unseen = f"alerts-unseen:{wishes.ways[0].name}"
    assert unseen not in [one.id for one in judge(memory.load(), wishes, clock.pass_(6 * DAY))]
    assert unseen in [one.id for one in judge(memory.load(), wishes, clock.pass_(2 * DAY))]
    alerts.tell(place, wishes, clock.pass_(24 * DAY))
    assert unseen in [one.id for one in judge(memory.load(), wishes, clock.now())], "a new test does not hide it"
    (sentence,) = alerts.acknowledge(place, codes(hook)[-1].lower())
    assert "has arrived" in sentence
    assert unseen not in [one.id for one in judge(memory.load(), wishes, clock.pass_(20 * DAY))]


def test_a_test_that_could_not_go_out_is_tried_again_with_its_code(place: Home, hook: far.Hook, clock: Clock) -> None:
    wishes = wanted(hook.url)
    hook.status = 503
    alerts.tell(place, wishes, clock.now())
    code = next(iter(alerts.Memory(place).load().trials.values())).code
    hook.status = 200
    alerts.tell(place, wishes, clock.pass_(HOUR))
    assert codes(hook) == [code]


def week(home: Home, clock: Clock) -> None:
    """A week of hourly backups and drills at one place; one failed, one could not be made."""
    with Records(home.records) as records:
        for hour in range(7 * 24):
            at = clock.now().time - timedelta(hours=hour)
            verdict = {20: Verdict.FAIL, 30: Verdict.UNPROVEN}.get(hour, Verdict.PASS)
            seen = {"place": "attic", "recovery_point_seconds": 240.0 + hour, "recovery_time_seconds": 6.0}
            records.save_proof("drill", verdict, at, 6.0, seen)
            records.save_proof("backup", Verdict.PASS, at, 2.0, {"place": "attic"})
            if hour not in range(40, 50):
                records.save_snapshot(Snapshot("attic", f"{hour:08x}", at, "r-1", {"size": 1_400_000_000}))


def test_the_letter_says_what_was_proven(place: Home, hook: far.Hook, clock: Clock) -> None:
    wishes = wanted(hook.url)
    all_tested(place, wishes, clock.now())
    week(place, clock)
    find(place, Finding("kit-missing", Severity.WARNING, "there is no recovery kit", "", "stead kit write"))
    state = observe(alerts.Memory(place), wishes, clock.now())
    body = alerts.letter(place, wishes, state, clock.now()).body
    for words in (
        "drills: 166 good, 1 failed, 1 could not be made",
        "backups: 168 good, 0 failed",
        "longest time without one: 11 h",
        "be up and proven within 6.0 s",
        "warning: there is no recovery kit",
        "next: stead kit write",
        "Every way was tested and its test was seen.",
    ):
        assert words in body, body


def test_the_letter_comes_once_a_week_on_the_ways_that_carry_mail(place: Home, hook: far.Hook, clock: Clock) -> None:
    wishes = wanted(hook.url)
    all_tested(place, wishes, clock.now())
    for _ in range(22 * 8):
        alerts.tell(place, wishes, clock.pass_(3 * HOUR))
    assert sum("the week's letter" in title for title in hook.titles) == 3
    port = far.free_port("127.0.0.1")
    with far.names({("plain.example", "A"): ["127.0.0.1"]}) as names, far.mail_server("127.0.0.1", port) as server:
        both = wanted(hook.url, "mailto:me@plain.example", resolver=names, mail_port=port)
        all_tested(place, both, clock.now())
        before = len(hook.got)
        alerts.tell(place, both, clock.pass_(8 * DAY))
        assert len(hook.got) == before
        assert [mail["Subject"] for mail in server.got] == ["Stead example.org: the week's letter"]


def test_a_letter_of_broken_records_says_so(place: Home, clock: Clock) -> None:
    place.lib.mkdir(parents=True)
    place.records.write_bytes(b"this is no database, whatever it was before" * 100)
    body = alerts.letter(place, wanted(), alerts.Memory(place).load(), clock.now()).body
    assert "nothing can be said to be proven" in body
