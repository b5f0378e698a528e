"""Which backups stay: the rule alone, and beside what restic's own ``forget`` would choose."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stead.backup.known import Known, KnownSnapshot
from stead.backup.place import Place
from stead.backup.restic import Restic, ask, init
from stead.backup.retention import Choice, choose, choose_within, command_elsewhere, let_go_on_purpose
from stead.settings import RetentionSettings
from stead.settings.nouns import FOR_EVER
from tests.rig.keys import quicken

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
RULE = RetentionSettings()
HOUR = timedelta(hours=1)


def made(at: datetime, *, good: bool = True) -> KnownSnapshot:
    return KnownSnapshot(f"{at:%Y-%m-%dT%H:%M:%S}", at, 1, 1, {}, {}, "r", "m", good)


def hourly(since: datetime, until: datetime = NOW) -> list[KnownSnapshot]:
    return [made(since + HOUR * n) for n in range(int((until - since) / HOUR) + 1)]


def ids(found: Iterable[KnownSnapshot]) -> list[str]:
    return [one.id for one in found]


def test_a_year_of_hours_leaves_what_the_rule_says() -> None:
    begin = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
    choice = choose(hourly(begin), RULE, NOW)
    kept = [one.taken_at for one in choice.kept]
    assert kept[:48] == [NOW - HOUR * n for n in range(48)]
    last_of_days = [datetime(2026, 3, 1, 23, 30, tzinfo=UTC) - timedelta(days=n) for n in range(1, 14)]
    assert [at for at in last_of_days if at < NOW - 47 * HOUR] == kept[48:59]
    sundays = [datetime(2026, 2, 22, 23, 30, tzinfo=UTC) - timedelta(weeks=n) for n in range(7)]
    months = [datetime(y, m, 1, 23, 30, tzinfo=UTC) - timedelta(days=1) for y, m in months_before(2026, 3, 14)]
    months = [at for at in months if at >= begin]
    assert set(kept[59:]) == {at for at in sundays if at < kept[58]} | {at for at in months if at < kept[58]} | {begin}
    assert len(choice.kept) + len(choice.let_go) == len(hourly(begin))


def months_before(year: int, month: int, count: int) -> list[tuple[int, int]]:
    return [((year * 12 + month - 1 - n) // 12, (year * 12 + month - 1 - n) % 12 + 1) for n in range(count)]


def test_gaps_cost_nothing() -> None:
    """Counted are hours with a backup: after a month without any, the 48 of before are all there."""
    old = hourly(NOW - timedelta(days=33), NOW - timedelta(days=30))
    assert ids(choose([*old, made(NOW)], RULE, NOW).kept)[:48] == ids([made(NOW), *reversed(old)])[:48]


def test_the_future_is_neither_counted_nor_removed() -> None:
    ahead = [made(NOW + HOUR * n) for n in range(1, 60)]
    past = hourly(NOW - timedelta(days=4))
    assert choose([*past, *ahead], RULE, NOW) == choose(past, RULE, NOW)
    assert choose_within([*past, *ahead], RULE, NOW) == choose_within(past, RULE, NOW)


def test_what_was_not_good_takes_no_good_ones_turn() -> None:
    past = hourly(NOW - timedelta(days=4))
    bad = [made(one.taken_at + timedelta(minutes=1), good=False) for one in past if one.taken_at < NOW]
    choice = choose([*past, *bad], RULE, NOW)
    assert [one for one in choice.kept if one.good] == list(choose(past, RULE, NOW).kept)
    assert [one.taken_at for one in choice.kept if not one.good] == [b.taken_at for b in reversed(bad[-47:])]
    assert choose(bad, RULE, NOW).let_go == (), "nothing is let go for nothing"


def test_the_newest_and_the_oldest_always_stay() -> None:
    few = RetentionSettings(1, 0, 0, 0, FOR_EVER)
    past = hourly(NOW - timedelta(days=4))
    assert ids(choose(past, few, NOW).kept) == [past[-1].id, past[0].id]
    assert choose([], RULE, NOW) == choose_within([], RULE, NOW) == Choice((), ())


def test_the_words_for_another_computer() -> None:
    assert command_elsewhere(RULE) == (
        "restic forget --tag data --group-by host,paths --keep-within-hourly 48h --keep-within-daily 14d "
        "--keep-within-weekly 56d --keep-within-monthly 24m --keep-within-yearly 100y --prune"
    )
    assert "weekly" not in command_elsewhere(RetentionSettings(weekly=0))


def test_what_was_let_go_on_purpose_is_no_loss() -> None:
    past = tuple(hourly(NOW - timedelta(days=4)))
    assert let_go_on_purpose(Known(snapshots=past), NOW) == frozenset()
    assert let_go_on_purpose(Known(snapshots=past, pruning=frozenset({past[3].id})), NOW) == {past[3].id}
    gone = let_go_on_purpose(Known(snapshots=past, elsewhere=RULE), NOW)
    assert gone == {one.id for one in choose_within(past, RULE, NOW).let_go} and past[-1].id not in gone and gone


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory, restic: Path) -> tuple[Restic, list[KnownSnapshot]]:
    """A place with snapshots of nothing, at times that are hard for the rule: made by restic's ``--time``."""
    base = tmp_path_factory.mktemp("times")
    (base / "password").write_text("x\n")
    program = Restic(restic, Place("attic", str(base / "attic"), base / "password"))
    init(program)
    quicken(program.place.url, program.place.password_file)
    (base / "data").mkdir()
    (base / "data/one").write_text("1")
    chance = random.Random(9)
    times = {NOW - timedelta(minutes=chance.randrange(60 * 24 * 3)) for _ in range(14)}
    times |= {NOW - timedelta(days=chance.randrange(40), minutes=chance.randrange(1440)) for _ in range(14)}
    times |= {NOW - timedelta(days=chance.randrange(1200)) for _ in range(14)}
    times |= {datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)}
    times |= {datetime(2024, 12, 30, 1, tzinfo=UTC), datetime(2024, 2, 29, 5, tzinfo=UTC)}
    for at in sorted(times):
        words = ["backup", "--host", "stead", "--tag", "data", "--time", f"{at:%Y-%m-%d %H:%M:%S}", str(base / "data")]
        ask(program, *words, lock=True)
    return program, [made(at) for at in times]


RULES = [
    RULE,
    RetentionSettings(3, 2, 2, 2, 2),
    RetentionSettings(1, 0, 0, 0, FOR_EVER),
    RetentionSettings(1, 30, 1, 0, 0),
    RetentionSettings(500, 500, 500, 500, 500),
    RetentionSettings(24, 7, 4, 31, 0),
]


@pytest.mark.root
@pytest.mark.parametrize("rule", RULES)
def test_restic_would_choose_the_same(listed: tuple[Restic, list[KnownSnapshot]], rule: RetentionSettings) -> None:
    restic, known = listed
    words = [
        word
        for name in ("hourly", "daily", "weekly", "monthly", "yearly")
        for word in (f"--keep-{name}", str(getattr(rule, name)))
    ]
    assert forgotten(restic, *words) == sorted(ids(choose(known, rule, NOW).let_go))


@pytest.mark.root
@pytest.mark.parametrize("rule", RULES)
def test_restic_would_choose_the_same_within(
    listed: tuple[Restic, list[KnownSnapshot]], rule: RetentionSettings
) -> None:
    restic, known = listed
    words = command_elsewhere(rule).removeprefix("restic forget ").removesuffix(" --prune").split()
    assert forgotten(restic, *words) == sorted(ids(choose_within(known, rule, NOW).let_go))


def forgotten(restic: Restic, *words: str) -> list[str]:
    (group,) = json.loads(ask(restic, "forget", "--dry-run", *words).out)
    return sorted(one["time"].removesuffix("Z") for one in group["remove"] or ())
