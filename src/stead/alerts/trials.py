"""The self-test: a message with a short code on each way, once a month, which the owner says has arrived."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace

from stead.alerts.moment import Moment
from stead.alerts.state import State, Trial

#: Without what looks like something else.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_MONTH = 30 * 86400.0


def due(state: State, way: str, now: Moment) -> bool:
    """Whether a way's self-test is to go out: a new way at once, every way once a month."""
    trial = state.trials.get(way)
    return trial is None or trial.at is None or now.since(trial.at, unknown=0.0) > _MONTH


def begun(state: State, ways: Iterable[str], *, anew: bool = False) -> State:
    """The state in which each of these ways has a code to send; one that never went out is used again."""
    trials = dict(state.trials)
    for way in ways:
        last = trials.get(way)
        if last is None or last.at is not None or anew:
            code = "".join(secrets.choice(_LETTERS) for _ in range(5))
            trials[way] = Trial(code, None, last.waiting if last else None)
    return replace(state, trials=trials)


def went_out(state: State, way: str, now: Moment) -> State:
    """The state after a way's self-test went out."""
    trial = state.trials[way]
    return replace(state, trials={**state.trials, way: replace(trial, at=now, waiting=trial.waiting or now)})


def way_of(state: State, code: str) -> str | None:
    """The way on which a code went out."""
    return next((way for way, t in state.trials.items() if t.at and t.code == code.upper()), None)


def arrived(state: State, way: str) -> State:
    """The state after the owner said that a way's self-test arrived."""
    return replace(state, trials={**state.trials, way: replace(state.trials[way], waiting=None)})
