from datetime import UTC, datetime, timedelta
from pathlib import Path

from stead.data import Picture, to_delete

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def picture(age: timedelta, *, for_backup: bool = False) -> Picture:
    taken = NOW - age
    return Picture(taken.strftime("%Y%m%dT%H%M%SZ"), Path("/x"), taken, for_backup)


def thinned(pictures: list[Picture], now: datetime = NOW) -> list[Picture]:
    doomed = set(to_delete(pictures, now))
    return [p for p in pictures if p not in doomed]


def test_the_last_hour_is_kept_whole_a_day_hourly_and_a_month_daily() -> None:
    kept = thinned([picture(timedelta(minutes=10 * n)) for n in range(6 * 24 * 40)])
    ages = [NOW - p.taken_at for p in kept]
    assert sum(age <= timedelta(hours=1) for age in ages) == 7
    assert sum(timedelta(hours=2) < age <= timedelta(hours=24) for age in ages) in range(21, 25)
    assert sum(timedelta(days=2) < age <= timedelta(days=31) for age in ages) in range(28, 31)
    assert sum(age > timedelta(days=31) for age in ages) <= 1


def test_thinning_each_ten_minutes_ends_in_the_same_few_pictures() -> None:
    kept: list[Picture] = []
    for n in range(6 * 24 * 40):
        now = NOW + timedelta(minutes=10 * n)
        kept.append(Picture(str(n), Path("/x"), now))
        kept = thinned(kept, now)
    assert 50 <= len(kept) <= 70


def test_a_clock_ten_years_ahead_leaves_the_newest_dozen() -> None:
    pictures = [picture(timedelta(hours=n)) for n in range(24)]
    assert len(thinned(pictures, NOW + timedelta(days=3650))) >= 12


def test_a_clock_that_went_back_deletes_nothing_new() -> None:
    pictures = [picture(timedelta(minutes=10 * n)) for n in range(30)]
    assert thinned(pictures, NOW - timedelta(days=1)) == pictures


def test_left_over_backup_pictures_go_after_a_day_and_never_crowd_out_the_others() -> None:
    old, young = picture(timedelta(days=2), for_backup=True), picture(timedelta(hours=2), for_backup=True)
    assert to_delete([old, young], NOW) == (old,)
