"""The dead man's switch is fed by verdicts of drills, and by nothing else. A real HTTPS service takes the calls."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from stead import alerts
from stead.alerts.deadman import failing
from stead.records import Records
from stead.words.home import Home
from stead.words.verdict import Verdict
from tests.alerts import far
from tests.alerts.conftest import Clock, wanted

#: Each message is a process of its own.
pytestmark = pytest.mark.waits

MINUTE, HOUR = 60.0, 3600.0
PASS, FAIL, UNPROVEN = Verdict.PASS, Verdict.FAIL, Verdict.UNPROVEN


@pytest.fixture
def outside(trusted: ssl.SSLContext) -> Iterator[far.Watcher]:
    with far.watcher(trusted, patience=3600) as watcher:
        yield watcher


def proof(
    home: Home,
    clock: Clock,
    verdict: Verdict,
    place: str = "attic",
    ago: float = 0.0,
    kind: str = "drill",
    **seen: Any,
) -> None:
    with Records(home.records) as records:
        records.save_proof(kind, verdict, clock.now().time - timedelta(seconds=ago), 1.0, {"place": place, **seen})


def feed(home: Home, clock: Clock, outside: far.Watcher, **more: Any) -> Verdict:
    return alerts.feed_deadman(home, wanted(deadman=outside.url, **more), clock.now())[0]


def test_a_passed_drill_feeds_it_as_long_as_it_is_fresh(place: Home, clock: Clock, outside: far.Watcher) -> None:
    proof(place, clock, PASS)
    assert feed(place, clock, outside) is PASS and outside.paths == ["/ping/0a1b-geheim"]
    clock.pass_(119 * MINUTE)
    assert feed(place, clock, outside) is PASS
    clock.pass_(2 * MINUTE)
    assert feed(place, clock, outside) is UNPROVEN and outside.calls == 2


def test_a_failed_drill_is_said(place: Home, clock: Clock, outside: far.Watcher) -> None:
    proof(place, clock, PASS)
    proof(place, clock, FAIL)
    assert feed(place, clock, outside) is FAIL and outside.paths == ["/ping/0a1b-geheim/fail"]
    assert outside.alarms


def test_a_good_drill_of_an_older_backup_says_nothing_of_the_newest(
    place: Home, clock: Clock, outside: far.Watcher
) -> None:
    proof(place, clock, UNPROVEN)
    proof(place, clock, PASS, age="yesterday")
    assert feed(place, clock, outside) is UNPROVEN and not outside.calls


@pytest.mark.parametrize("seen", [{"age": "oldest"}, {"method": "full"}])
def test_a_failed_one_of_an_older_backup_or_of_all_is_said(
    place: Home, clock: Clock, outside: far.Watcher, seen: dict[str, Any]
) -> None:
    proof(place, clock, FAIL, **seen)
    proof(place, clock, PASS)
    assert feed(place, clock, outside) is FAIL and outside.alarms


@pytest.mark.parametrize("kind", ["none", "unproven", "only a backup", "one place of two", "one failed", "old"])
def test_what_proves_nothing_does_not_feed(place: Home, clock: Clock, outside: far.Watcher, kind: str) -> None:
    places: tuple[str, ...] = ("attic",)
    if kind == "unproven":
        proof(place, clock, PASS)
        proof(place, clock, UNPROVEN)
    elif kind == "only a backup":
        proof(place, clock, PASS, kind="backup")
    elif kind == "old":
        proof(place, clock, PASS, ago=2 * HOUR + 1)
    elif kind != "none":
        places = ("attic", "cellar")
        proof(place, clock, PASS)
        if kind == "one failed":
            proof(place, clock, FAIL, "cellar")
    feed(place, clock, outside, places=places)
    assert outside.paths == (["/ping/0a1b-geheim/fail"] if kind == "one failed" else [])


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [(500, "broken", "500"), (302, "", "302"), (200, "not found: /ping/0a1b-geheim", "not found"), (404, "", "404")],
)
def test_it_is_tried_three_times_and_a_wrong_answer_is_known(
    place: Home, clock: Clock, outside: far.Watcher, status: int, said: str, words: str
) -> None:
    proof(place, clock, PASS)
    outside.status, outside.said = status, said
    wishes = wanted(deadman=outside.url)
    _, outcome = alerts.feed_deadman(place, wishes, clock.now())
    assert outcome and not outcome.good and words in outcome.detail and "geheim" not in outcome.detail
    assert outside.calls == 3
    fares = alerts.Memory(place).load().feeding
    assert fares.failures == 1 and words in fares.detail


def test_a_stranger_with_another_certificate_is_not_fed(
    place: Home, clock: Clock, outside: far.Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
    proof(place, clock, PASS)
    _, outcome = alerts.feed_deadman(place, wanted(deadman=outside.url), clock.now())
    assert outcome and not outcome.good and "certificate" in outcome.detail.lower() and not outside.calls


def test_records_that_cannot_be_read_do_not_feed(place: Home, clock: Clock, outside: far.Watcher) -> None:
    proof(place, clock, PASS)
    place.records.write_bytes(b"this is no database, whatever it was before" * 100)
    assert feed(place, clock, outside) is UNPROVEN and not outside.calls


def test_a_jumped_clock_does_not_feed_and_does_not_stop_it(place: Home, clock: Clock, outside: far.Watcher) -> None:
    proof(place, clock, PASS)
    assert feed(place, clock, outside) is PASS
    clock.wall += 400 * 24 * HOUR
    clock.pass_(10 * MINUTE)
    assert feed(place, clock, outside) is PASS
    clock.wall -= 800 * 24 * HOUR
    clock.pass_(HOUR)
    assert feed(place, clock, outside) is PASS
    clock.pass_(HOUR)
    assert feed(place, clock, outside) is UNPROVEN


def test_the_address_that_says_it_failed() -> None:
    assert failing("https://hc.example/abc") == "https://hc.example/abc/fail"
    assert failing("https://hc.example/abc/?create=1") == "https://hc.example/abc/fail?create=1"
