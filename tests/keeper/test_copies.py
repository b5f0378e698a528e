"""3-2-1-1-0 as measured: each digit, met and missing, and what was not measured holds nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stead.keeper.copies import digits
from stead.keeper.facts import Facts, TryFact
from stead.keeper.findings import findings
from stead.keeper.report import to_json
from stead.keeper.status import judge
from stead.settings import Medium, Quiet
from stead.words.verdict import Severity, Verdict
from tests.keeper.test_judge import ATTIC, DRILL, GOOD, ago

TRIED = TryFact(ago(days=3), Verdict.PASS, None, refused=True, offsite=True)
CLOUD = replace(ATTIC, name="cloud", medium=Medium.CLOUD, tried=TRIED)
DISK = replace(ATTIC, name="disk", medium=Medium.DISK, tried=replace(TRIED, refused=False, offsite=False))
ALL = replace(GOOD, places=(DISK, CLOUD))


def said(facts: Facts) -> str:
    return "-".join(digit.said for digit in digits(facts))


def with_cloud(**changes: Any) -> Facts:
    return replace(ALL, places=(DISK, replace(CLOUD, **changes)))


def test_all_five_are_kept() -> None:
    assert said(ALL) == "3-2-1-1-0" and all(digit.holds for digit in digits(ALL))
    assert not [finding for finding in findings(ALL) if finding.id.startswith("copies-")]
    shown = to_json(judge(ALL))["copies"]
    assert shown["copies"] == {"wanted": 3, "measured": 3, "holds": True}
    assert list(shown) == ["copies", "kinds", "offsite", "undeletable", "errors"]


@pytest.mark.parametrize(
    ("facts", "shown", "missing"),
    [
        (replace(ALL, places=(CLOUD,)), "2-2-1-1-0", {"copies"}),
        (replace(ALL, places=()), "1-1-0-0-?", {"copies", "kinds", "offsite", "undeletable", "errors"}),
        (replace(ALL, places=(DISK, replace(CLOUD, survives=False))), "2-1-0-0-0",
         {"copies", "kinds", "offsite", "undeletable"}),
        (with_cloud(medium=Medium.DISK), "3-1-1-1-0", {"kinds"}),
        (with_cloud(tried=replace(TRIED, offsite=False)), "3-2-0-1-0", {"offsite"}),
        (with_cloud(tried=replace(TRIED, offsite=None)), "3-2-?-1-0", {"offsite"}),
        (with_cloud(tried=replace(TRIED, refused=False)), "3-2-1-0-0", {"undeletable"}),
        (with_cloud(tried=None), "3-2-?-?-0", {"offsite", "undeletable"}),
        (with_cloud(tried=replace(TRIED, at=ago(days=46))), "3-2-?-?-0", {"offsite", "undeletable"}),
        (with_cloud(tried=replace(TRIED, verdict=Verdict.FAIL)), "3-2-?-?-0", {"offsite", "undeletable"}),
        (with_cloud(last_drill=replace(DRILL, verdict=Verdict.FAIL)), "2-1-0-0-1",
         {"copies", "kinds", "offsite", "undeletable", "errors"}),
        (with_cloud(last_drill=None), "2-1-0-0-?", {"copies", "kinds", "offsite", "undeletable", "errors"}),
        (with_cloud(last_drill=replace(DRILL, at=ago(hours=3))), "3-2-1-1-?", {"errors"}),
    ],
)  # fmt: skip
def test_each_digit_that_is_missing_is_a_note(facts: Facts, shown: str, missing: set[str]) -> None:
    assert said(facts) == shown
    notes = {f.id.removeprefix("copies-"): f for f in findings(facts) if f.id.startswith("copies-")}
    assert set(notes) == missing and all(note.severity is Severity.NOTE and note.next for note in notes.values())


def ids(facts: Facts) -> dict[str, Severity]:
    return {finding.id: finding.severity for finding in findings(facts)}


def test_a_place_that_deletes_though_it_should_not_is_an_alarm() -> None:
    facts = with_cloud(append_only=True, tried=replace(TRIED, refused=False))
    assert ids(facts)["place-deletes:cloud"] is Severity.ALARM
    assert "place-deletes:cloud" not in ids(with_cloud(append_only=True))


def test_a_try_that_failed_is_told() -> None:
    assert ids(with_cloud(tried=replace(TRIED, verdict=Verdict.FAIL)))["place-try:cloud"] is Severity.ALARM
    assert ids(with_cloud(tried=replace(TRIED, verdict=Verdict.UNPROVEN)))["place-try:cloud"] is Severity.WARNING
    assert "place-try:cloud" not in ids(ALL)


def test_the_months_bytes_are_told_before_they_are_used_up() -> None:
    assert "place-month:cloud" not in ids(with_cloud(used_of_month=0.79))
    assert ids(with_cloud(used_of_month=0.8))["place-month:cloud"] is Severity.WARNING
    assert ids(with_cloud(used_of_month=1.0))["place-month:cloud"] is Severity.ALARM


def test_quiet_hours_do_not_count_against_deadlines() -> None:
    old = with_cloud(newest_at=GOOD.now - timedelta(hours=8, minutes=10))
    assert ids(old)["backup-old:cloud"] is Severity.ALARM
    local = GOOD.now.astimezone()
    minute = local.hour * 60 + local.minute
    eight = Quiet((minute - 490) % 1440, (minute - 5) % 1440)
    assert "backup-old:cloud" not in ids(replace(old, places=(DISK, replace(old.places[1], quiet=eight))))
    drilled = with_cloud(last_drill=replace(DRILL, at=ago(hours=8, minutes=30)))
    assert "drill-old:cloud" in ids(drilled)
    assert "drill-old:cloud" not in ids(replace(drilled, places=(DISK, replace(drilled.places[1], quiet=eight))))
