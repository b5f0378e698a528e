"""Findings about the ways themselves: too few, all of them here, failing, or nobody saw that a test arrived."""

from __future__ import annotations

from collections.abc import Iterator

from stead.alerts.moment import Moment
from stead.alerts.state import State
from stead.alerts.ways import uses_this_server
from stead.alerts.wishes import Wishes
from stead.words.quantities import say_duration
from stead.words.verdict import Finding, Severity

#: Source of these findings in the records.
SOURCE = "alerts"
_FAILING, _FAILURES = 15 * 60.0, 3
_UNSEEN = 7 * 86400.0
_PAGE = "docs/operate/alerts.md"

Found = Iterator[Finding]


def judge(state: State, wishes: Wishes, now: Moment) -> tuple[Finding, ...]:
    """All of them; none when every way is well."""
    return (
        *_enough(wishes),
        *_deadman(state, wishes, now),
        *_failing(state, wishes, now),
        *_unseen(state, wishes, now),
    )


def _enough(wishes: Wishes) -> Found:
    ways = wishes.ways
    if not ways:
        yield _finding("alerts-none", "no alarm can reach you: there is no way set up", _add("two"))
    elif all(uses_this_server(way, wishes.domain) for way in ways):
        what = "every way for alarms needs this very server, so none would come when it is down"
        yield _finding("alerts-only-here", what, _add("one elsewhere"))
    elif len(ways) == 1:
        yield _finding("alerts-one-way", f"alarms go out on one way only, {ways[0].name}", _add("one more"))


def _add(what: str) -> str:
    return f"name {what} in alerts.urls ({_PAGE}), then: stead alerts test"


def _deadman(state: State, wishes: Wishes, now: Moment) -> Found:
    feeding = state.feeding
    if wishes.deadman is None:
        what = "nobody outside would notice that this computer is off or cut from the network"
        yield _finding("deadman-missing", what, f"name a dead man's switch in alerts.deadman ({_PAGE})")
    elif feeding.failing and now.since(feeding.failing, unknown=0.0) > _FAILING and feeding.failures >= _FAILURES:
        what = f"the dead man's switch has not been reached for {_since(now, feeding.failing)}: {feeding.detail}"
        yield _finding("deadman-failing", what, "see that alerts.deadman is right and its service is there")


def _failing(state: State, wishes: Wishes, now: Moment) -> Found:
    for way in wishes.ways:
        one = state.ways.get(way.name)
        if one is None or one.failing is None or one.failures < _FAILURES:
            continue
        if now.since(one.failing, unknown=0.0) > _FAILING:
            what = f"alarms have not gone out by {way.name} for {_since(now, one.failing)}: {one.detail}"
            yield _finding(f"alerts-failing:{way.name}", what, "correct it, then: stead alerts test", Severity.ALARM)


def _unseen(state: State, wishes: Wishes, now: Moment) -> Found:
    for way in wishes.ways:
        trial = state.trials.get(way.name)
        if trial and trial.waiting and now.since(trial.waiting, unknown=0.0) > _UNSEEN:
            what = f"nobody said that the test by {way.name} arrived, {_since(now, trial.waiting)} after it was sent"
            yield _finding(
                f"alerts-unseen:{way.name}", what, "find its code and: stead alerts ack CODE; else stead alerts test"
            )


def _since(now: Moment, then: Moment) -> str:
    return say_duration(now.since(then, unknown=0.0))


def _finding(key: str, what: str, next_step: str, severity: Severity = Severity.WARNING) -> Finding:
    return Finding(key, severity, what, "", next_step)
