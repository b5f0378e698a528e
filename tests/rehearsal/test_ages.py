"""Which older backup is drilled: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stead.backup import Known, KnownSnapshot
from stead.rehearsal.ages import age_of, at_age, turn
from stead.words.age import Age

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def made(*hours: float, good: bool = True) -> tuple[KnownSnapshot, ...]:
    return tuple(
        KnownSnapshot(f"{h:g}", NOW - timedelta(hours=h), 1, 1, {}, {}, "r", "m", good) for h in sorted(hours)[::-1]
    )


MANY = Known(snapshots=made(0.2, 1, 5, 23.9, 24.1, 40, 100, 167, 169, 500, 9000))


def test_each_age_is_the_newest_that_is_old_enough() -> None:
    found = {age: at_age(MANY, age, NOW) for age in Age}
    assert {age: one.id for age, one in found.items() if one} == {
        Age.NEWEST: "0.2", Age.YESTERDAY: "24.1", Age.WEEK: "169", Age.OLDEST: "9000",
    }  # fmt: skip


def test_what_was_not_good_or_is_gone_is_not_chosen() -> None:
    known = Known(snapshots=made(0.2, 24.1, 9000) + made(24.05, 9999, good=False))
    assert (at_age(known, Age.YESTERDAY, NOW) or MANY.snapshots[0]).id == "24.1"
    assert (at_age(known, Age.OLDEST, NOW) or MANY.snapshots[0]).id == "9000"


def test_the_newest_is_never_an_older_one() -> None:
    alone = Known(snapshots=made(50))
    assert at_age(alone, Age.YESTERDAY, NOW) is None and at_age(alone, Age.OLDEST, NOW) is None
    assert turn(alone, {}, NOW) is Age.NEWEST and at_age(Known(), Age.NEWEST, NOW) is None


def test_a_backup_of_the_future_is_no_newest() -> None:
    known = Known(snapshots=made(-5000, 0.2, 30))
    assert (at_age(known, Age.NEWEST, NOW) or MANY.snapshots[0]).id == "0.2"
    assert (at_age(known, Age.OLDEST, NOW) or MANY.snapshots[0]).id == "30"
    alone = Known(snapshots=made(-5000))
    assert (at_age(alone, Age.NEWEST, NOW) or MANY.snapshots[0]).id == "-5000"


def test_turns_go_round_and_the_same_backup_has_one_turn() -> None:
    drilled: dict[Age, int] = {}
    order = []
    for number in range(6):
        age = turn(MANY, drilled, NOW)
        drilled[age] = number + 1
        order.append(age)
    assert sorted(order[:3]) == sorted(order[3:]) == sorted([Age.YESTERDAY, Age.WEEK, Age.OLDEST])
    assert {turn(Known(snapshots=made(1, 30)), {Age.OLDEST: 5}, NOW)} == {Age.OLDEST}


def test_one_asked_for_by_id_counts_as_what_it_is() -> None:
    found = [age_of(MANY, one, NOW).value for one in MANY.snapshots]
    assert found == ["oldest", "week", "week", *["yesterday"] * 7, "newest"]
