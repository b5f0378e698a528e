"""The judgement on pure facts: the sentence, and that each finding fires when it should and is silent otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stead.keeper.facts import DrillFact, Facts, HalfDone, PlaceFact, ReadingFact, ReleaseFact
from stead.keeper.report import place_verdict, to_json
from stead.keeper.status import Sleep, StatusReport, judge
from stead.records import CheckedProbe, Measured
from stead.settings import Goals
from stead.words.probe import ProbeResult
from stead.words.verdict import Finding, Severity, Verdict

NOW = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)


def ago(**how: float) -> datetime:
    return NOW - timedelta(**how)


DRILL = DrillFact(42, Verdict.PASS, ago(minutes=12), 6.2, 30.0, "mounted", None)
ATTIC = PlaceFact("attic", "sftp:me@attic:/stead", True, ago(minutes=3, seconds=30), "abc", DRILL, DRILL)
PROBE = CheckedProbe(ProbeResult("receive", "mail", Verdict.PASS, 0.2, "in 0.2 s"), ago(minutes=2))
GOOD = Facts(
    now=NOW,
    host="box",
    domain="example.org",
    settings_file="/etc/stead/stead.toml",
    goals=Goals(900, 300, 3600),
    probe_every=300,
    set_up=True,
    running=True,
    keeper=True,
    release=ReleaseFact("r-0123456789ab", "2026-01-01T00:00:00Z", True),
    endpoints={"smtp": "127.0.0.1:8025"},
    services=("mail",),
    probes=(PROBE,),
    places=(ATTIC,),
    prepared=Measured("prepare", 103.8, ago(days=2)),
)


def with_place(**changes: Any) -> Facts:
    return replace(GOOD, places=(replace(ATTIC, **changes),))


def with_drill(**changes: Any) -> Facts:
    last = replace(DRILL, **changes)
    return with_place(last_drill=last, last_pass=last if last.verdict is Verdict.PASS else DRILL)


def with_probe(age: float = 120, **changes: Any) -> Facts:
    return replace(GOOD, probes=(CheckedProbe(replace(PROBE.result, **changes), ago(seconds=age)),))


def told(report: StatusReport) -> tuple[Finding, ...]:
    """Findings without the notes on the 3-2-1-1-0 rule: one place keeps it in nothing (see ``test_copies``)."""
    return tuple(finding for finding in report.findings if not finding.id.startswith("copies-"))


def test_the_sentence() -> None:
    report = judge(GOOD)
    assert report.sleep is Sleep.YES and told(report) == () and report.exit_code == 0
    assert report.sentence == (
        "You can sleep: if this computer died now you would lose 4 min of data and be back in 1 min 50 s "
        "on a new one (proven 12 min ago)."
    )


def test_what_waited_too_long_is_an_alarm_first_in_the_list() -> None:
    facts = with_drill(verdict=Verdict.UNPROVEN, reason="no FUSE")
    waited = judge(replace(facts, late={"drill-unproven:attic": "no drill, for 4 h now", "gone": "x"}))
    assert waited.sleep is Sleep.NO and waited.findings[0].severity is Severity.ALARM
    assert "no drill, for 4 h now" in waited.sentence and [f.what for f in waited.findings].count("x") == 0


def test_only_the_same_disk() -> None:
    report = judge(with_place(survives=False))
    assert report.sentence == (
        "You cannot sleep yet: the only backup is on this computer's own disk; if it died now, everything would be "
        "lost. Next: add a place that survives it: stead place add."
    )
    assert report.exit_code == 1


DAY_OLD = replace(DRILL, at=ago(hours=24, seconds=1))
LATER = timedelta(minutes=1)
CASES: dict[str, tuple[Facts, Sleep, str]] = {
    "not-set-up": (replace(GOOD, set_up=False), Sleep.NO, "there is no server here yet"),
    "server-down": (replace(GOOD, running=False), Sleep.NO, "the server is not running"),
    "keeper-stopped": (replace(GOOD, keeper=False), Sleep.NO, "the keeper is not running"),
    "probe-failing:mail/receive": (
        with_probe(verdict=Verdict.FAIL, detail="connection refused"),
        Sleep.NO,
        "mail: 'receive' fails: connection refused",
    ),
    "probes-old": (with_probe(age=16 * 60), Sleep.UNPROVEN, "not probed lately: mail"),
    "same-disk-only": (with_place(survives=False), Sleep.NO, "the only backup is on this computer's own disk"),
    "backup-failing:attic": (with_place(trouble="the place is full"), Sleep.NO, "failed: the place is full"),
    "backup-old:attic": (with_place(newest_at=ago(minutes=31)), Sleep.NO, "31 min"),
    "drill-missing:attic": (with_place(last_drill=None, last_pass=None), Sleep.UNPROVEN, "no drill of attic"),
    "drill-failed:attic": (with_drill(verdict=Verdict.FAIL, reason="a pack is gone"), Sleep.NO, "a pack is gone"),
    "drill-unproven:attic": (with_drill(verdict=Verdict.UNPROVEN, reason="no FUSE"), Sleep.UNPROVEN, "no FUSE"),
    "drill-old:attic": (with_drill(at=ago(hours=2, seconds=1)), Sleep.UNPROVEN, "the last drill of attic was 2 h ago"),
    "drill-failed:attic/week": (
        with_place(older=(("week", replace(DRILL, verdict=Verdict.FAIL, reason="a pack is gone")),)),
        Sleep.NO,
        "an older backup in attic (week) failed: a pack is gone",
    ),
    "drill-unproven:attic/oldest": (
        with_place(older=(("oldest", replace(DRILL, verdict=Verdict.UNPROVEN, reason="no FUSE")),)),
        Sleep.YES,
        "You can sleep",
    ),
    "drill-old:attic/yesterday": (with_place(older=(("yesterday", DAY_OLD),)), Sleep.YES, "You can sleep"),
    "full-drill-failed:attic": (
        with_place(last_full=replace(DRILL, verdict=Verdict.FAIL, reason="not every byte came back")),
        Sleep.NO,
        "the last full drill of attic failed: not every byte came back",
    ),
    "full-drill-old:attic": (with_place(full_passed_at=ago(days=51)), Sleep.NO, "passed for 51 days"),
    "read-back-damaged:attic": (
        with_place(reading=ReadingFact(ago(days=3), True, ("pack 12ab is damaged",))),
        Sleep.NO,
        "the place attic gave back damaged data: pack 12ab is damaged",
    ),
    "read-back-old:attic": (
        with_place(reading=ReadingFact(ago(days=46), True, trouble="unreachable")),
        Sleep.NO,
        "not read back for 46 days, the goal is 30 days; the last try: unreachable",
    ),
    "prepare-unmeasured": (replace(GOOD, prepared=None), Sleep.UNPROVEN, "was never measured"),
    "certificate-ending": (replace(GOOD, certificate_until=NOW + timedelta(days=2)), Sleep.NO, "ends in 2 days"),
    "clock-jump": (replace(GOOD, clock_jumped_at=ago(minutes=5)), Sleep.YES, "You can sleep"),
    "half-done:drill": (replace(GOOD, half_done=(HalfDone("drill", "mount", ago(hours=1)),)), Sleep.YES, "You can"),
}


@pytest.mark.parametrize("key", CASES)
def test_each_finding_fires(key: str) -> None:
    facts, sleep, words = CASES[key]
    report = judge(facts)
    assert key in {finding.id for finding in report.findings}
    assert report.sleep is sleep and words in report.sentence
    assert all(finding.next and finding.what for finding in report.findings)


@pytest.mark.parametrize(
    "facts",
    [
        with_probe(age=9 * 60),
        with_place(newest_at=ago(minutes=14)),
        with_drill(at=ago(hours=1, minutes=59)),
        with_place(older=tuple((age, replace(DRILL, at=ago(hours=23))) for age in ("yesterday", "week", "oldest"))),
        with_place(last_full=DRILL, full_passed_at=ago(days=34), first_at=ago(days=300)),
        with_place(first_at=ago(days=34)),
        with_place(reading=ReadingFact(ago(days=29), True)),
        with_place(reading=ReadingFact(ago(days=29), False, trouble="unreachable yesterday")),
        replace(GOOD, certificate_until=NOW + timedelta(days=15)),
        replace(GOOD, clock_jumped_at=ago(minutes=13)),
        replace(GOOD, places=(replace(ATTIC, name="disk", survives=False, newest_at=ago(minutes=1)), ATTIC)),
    ],
)
def test_each_finding_is_silent(facts: Facts) -> None:
    assert told(judge(facts)) == () and judge(facts).sleep is Sleep.YES


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (with_place(newest_at=ago(minutes=14, seconds=45)), "you would lose 15 min of data, the goal is 15 min"),
        (with_drill(time_seconds=250.0), "it would take 5 min 54 s to be back, the goal is 5 min"),
        (replace(with_drill(time_seconds=310.0), prepared=None), "it would take 5 min 10 s to be back"),
        (replace(GOOD, places=()), "there is no backup at all"),
        (with_place(newest_at=None), "Next"),
    ],
)
def test_missed_goals(facts: Facts, words: str) -> None:
    report = judge(facts)
    assert report.sleep is not Sleep.YES and words in report.sentence and report.exit_code in (1, 3)


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        (with_place(full_passed_at=ago(days=36)), Severity.WARNING),
        (with_place(first_at=ago(days=36)), Severity.WARNING),
        (with_place(first_at=ago(days=51)), Severity.ALARM),
        (with_place(reading=ReadingFact(ago(days=31), False)), Severity.WARNING),
        (with_place(reading=ReadingFact(ago(days=46), False)), Severity.ALARM),
    ],
)
def test_what_is_late_is_a_warning_and_much_later_an_alarm(facts: Facts, severity: Severity) -> None:
    assert [finding.severity for finding in told(judge(facts))] == [severity]


def test_a_good_drill_of_one_age_hides_no_bad_one_of_another() -> None:
    bad = replace(DRILL, verdict=Verdict.FAIL, reason="gone")
    for place in (
        replace(ATTIC, older=(("week", bad),)),
        replace(ATTIC, last_drill=bad, older=(("week", DRILL),)),
        replace(ATTIC, last_full=bad, full_passed_at=ago(days=3)),
        replace(ATTIC, reading=ReadingFact(ago(days=1), True, ("x",))),
    ):
        report = judge(replace(GOOD, places=(place,)))
        assert place_verdict(report, place) is Verdict.FAIL and report.sleep is Sleep.NO


def test_a_backup_that_could_not_be_made_is_no_alarm_while_the_newest_is_fresh() -> None:
    report = judge(with_place(trouble="unreachable", trouble_proven=False))
    assert report.sleep is Sleep.YES and report.findings[0].severity is Severity.WARNING


def test_a_proven_place_that_survives_is_preferred() -> None:
    near = replace(ATTIC, name="near", survives=False, newest_at=ago(seconds=5))
    new = replace(ATTIC, name="new", newest_at=ago(seconds=5), last_drill=None, last_pass=None)
    recovery = judge(replace(GOOD, places=(near, new, ATTIC))).recovery
    assert recovery is not None and recovery.place == "attic"


def test_a_service_without_a_probe_is_unproven() -> None:
    report = judge(replace(GOOD, services=("mail", "calendar")))
    assert report.sleep is Sleep.UNPROVEN and "calendar" in report.sentence


def test_other_checks_alarms_count() -> None:
    full = Finding("data-full", Severity.ALARM, "data is 96 % full", "2026-01-01T00:00:00Z", "add a disk")
    report = judge(replace(GOOD, others=(full,)))
    assert report.sleep is Sleep.NO and "data is 96 % full" in report.sentence


def test_a_clock_set_back_makes_nothing_negative() -> None:
    report = judge(with_place(newest_at=NOW + timedelta(hours=3)))
    assert report.recovery is not None and report.recovery.point_seconds == 30.0


def test_the_contract_of_the_json() -> None:
    raw = to_json(judge(with_place(survives=False)))
    assert {"schema", "host", "domain", "sleep", "sentence", "release", "endpoints", "services", "recovery"} < set(raw)
    assert raw["schema"] == 1 and raw["sleep"] == "no" and raw["release"]["id"] == "r-0123456789ab"
    assert raw["services"] == [
        {
            "name": "mail",
            "verdict": "pass",
            "checked_at": "2026-01-02T11:58:00Z",
            "probes": [{"name": "receive", "verdict": "pass", "seconds": 0.2, "detail": "in 0.2 s"}],
        }
    ]
    recovery = raw["recovery"]
    assert recovery["point_seconds"] == 240 and recovery["time_seconds"] == 110.0 and recovery["drill_seconds"] == 6.2
    assert (recovery["proof"], recovery["proven_at"], recovery["method"]) == (42, "2026-01-02T11:48:00Z", "mounted")
    (place,) = raw["places"]
    assert place["name"] == "attic" and place["verdict"] == "pass" and place["age_seconds"] == 210
    assert {"id", "severity", "what", "since", "next"} == set(raw["findings"][0])
    assert place["read_back_within_days"] is None, "not everything was read yet"
    read = to_json(judge(with_place(reading=ReadingFact(ago(days=24.5), True), full_passed_at=ago(days=3))))["places"][
        0
    ]
    assert read["read_back_within_days"] == 24.5 and read["full_drill_passed_at"] == "2025-12-30T12:00:00Z"
