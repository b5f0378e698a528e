"""A drill's judgement, cause by cause: each must turn the verdict, and a drill without any of them passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stead.rehearsal.report import Facts, judge, recovery_point
from stead.words.probe import MarkerReading, ProbeResult
from stead.words.verdict import Verdict

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GOOD = Facts(
    newest_snapshot=True,
    snapshot_time=NOW - timedelta(minutes=3),
    now=NOW,
    lose_at_most=900,
    markers=(
        MarkerReading("mail", NOW - timedelta(minutes=4)),
        MarkerReading("files", NOW - timedelta(minutes=5)),
    ),
    probes=(ProbeResult("receive", "mail", Verdict.PASS, 0.1, "ok"),),
    differences=(),
    vanished=(),
    place_errors=(),
    losses=(),
    unsealed=(),
)


def test_a_drill_with_nothing_wrong_passes_and_its_recovery_point_is_the_stalest_marker() -> None:
    assert judge(GOOD) == (Verdict.PASS, None)
    assert recovery_point(GOOD) == 300


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"unsealed": ["route to 10.0.0.1"]}, "not sealed: route to 10.0.0.1"),
        ({"losses": ["pack ab12 is gone"]}, "lost what was put there: pack ab12 is gone"),
        ({"place_errors": ["ciphertext verification failed"]}, "damaged data"),
        ({"vanished": ["mail: everything of alice is gone"]}, "everything of alice"),
        ({"differences": ["calendar: alice/home is missing"]}, "alice/home is missing"),
        ({"probes": (ProbeResult("read", "mail", Verdict.FAIL, 1, "connection refused"),)}, "read: connection refused"),
        ({"markers": (MarkerReading("mail", None),)}, "no marker came back: mail (none found)"),
        ({"markers": ()}, "no marker came back"),
        ({"markers": (MarkerReading("mail", NOW - timedelta(hours=1)),)}, "mail is 1 h old"),
    ],
)
def test_each_cause_fails_the_drill_and_is_named(wrong: dict[str, Any], words: str) -> None:
    verdict, reason = judge(replace(GOOD, **wrong))
    assert verdict is Verdict.FAIL
    assert reason is not None and words in reason


def test_what_could_not_be_tried_is_unproven_never_passed() -> None:
    untried = ProbeResult("send", "mail", Verdict.UNPROVEN, 0, "the sink's port is taken")
    assert judge(replace(GOOD, probes=(untried, *GOOD.probes)))[0] is Verdict.UNPROVEN
    assert judge(replace(GOOD, probes=()))[0] is Verdict.UNPROVEN


def test_an_old_snapshot_asked_for_by_name_is_measured_at_its_own_time() -> None:
    old = replace(GOOD, newest_snapshot=False, now=NOW + timedelta(days=30))
    assert recovery_point(old) == 120
    assert judge(old) == (Verdict.PASS, None)
