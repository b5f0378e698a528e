"""Which backups are kept: a decision out of our own list and the clock alone. Nothing is asked or removed here.

The rule means what restic's ``forget`` means by it (``--keep-hourly`` and so on; manual of restic 0.18, "Removing
snapshots according to a policy"), in UTC, so that everybody comes to the same choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from stead.backup.known import Known, KnownSnapshot
from stead.settings import RetentionSettings

#: Each kind of the rule with what its backups share; the name is the setting's and restic's.
_SPANS: dict[str, Callable[[datetime], object]] = {
    "hourly": lambda at: (at.date(), at.hour),
    "daily": lambda at: at.date(),
    "weekly": lambda at: at.isocalendar()[:2],
    "monthly": lambda at: (at.year, at.month),
    "yearly": lambda at: at.year,
}
#: How long each of them lasts, where a number must be said as time.
_WITHIN = {"hourly": "h", "daily": "d", "weekly": "d", "monthly": "m", "yearly": "y"}
_MOST_YEARS = 100


@dataclass(frozen=True)
class Choice:
    """What is kept and what may go, each newest first. Backups with a time in the future are in neither."""

    kept: tuple[KnownSnapshot, ...]
    let_go: tuple[KnownSnapshot, ...]


def choose(snapshots: Iterable[KnownSnapshot], rule: RetentionSettings, now: datetime) -> Choice:
    """Decide by counting: of the last 48 hours *that have a backup* the newest of each is kept, and so on.

    Gaps cost nothing: after a month without backups nothing more goes than before. A backup that was not good takes
    no good one's turn; it stays as long as it is newer than the oldest of the hourly ones.
    """
    known = _newest_first(snapshots, now)
    good = [one for one in known if one.good]
    kept = {one.id for name, span in _SPANS.items() for one in _counted(good, span, getattr(rule, name))}
    hours = _counted(good, _SPANS["hourly"], rule.hourly)
    since = hours[-1].taken_at if hours else datetime.min.replace(tzinfo=UTC)
    return _split(known, kept | {one.id for one in known if not one.good and one.taken_at >= since})


def choose_within(snapshots: Iterable[KnownSnapshot], rule: RetentionSettings, now: datetime) -> Choice:
    """Decide by age, as ``--keep-within-hourly`` and so on do: for places that somebody else prunes.

    There a stranger who may add could add many, and push the good ones out of a rule that counts.
    """
    known = _newest_first(snapshots, now)
    kept: set[str] = set()
    for name, span in _SPANS.items():
        if known and (lasting := _lasting(rule, name)):
            begin = _before(known[0].taken_at, lasting)
            kept |= {one.id for one in _counted(known, span, None, begin)}
    return _split(known, kept)


def let_go_on_purpose(known: Known, now: datetime) -> frozenset[str]:
    """Snapshots whose absence is no loss: a pruning of ours was to forget them, or the rule of whoever prunes the place
    lets them go."""
    gone = known.pruning or frozenset[str]()
    if known.elsewhere is not None:
        gone |= {one.id for one in choose_within(known.snapshots, known.elsewhere, now).let_go}
    return gone


def command_elsewhere(rule: RetentionSettings) -> str:
    """What is typed at a place that is not pruned from here. Programs (tag ``release``) are never removed by it."""
    words = [f"--keep-within-{name} {lasting}" for name in _SPANS if (lasting := _lasting(rule, name))]
    return " ".join(["restic forget --tag data --group-by host,paths", *words, "--prune"])


def _newest_first(snapshots: Iterable[KnownSnapshot], now: datetime) -> list[KnownSnapshot]:
    past = [one for one in snapshots if one.taken_at <= now]
    return sorted(past, key=lambda one: one.taken_at, reverse=True)


def _counted(
    known: Sequence[KnownSnapshot], span: Callable[[datetime], object], most: int | None, begin: datetime | None = None
) -> list[KnownSnapshot]:
    """The newest of each span, of ``most`` spans (None: of all), none before ``begin``. While there are turns left, the
    very oldest is kept, too, so that history never gets shorter than it has to be."""
    chosen: list[KnownSnapshot] = []
    last: object = None
    for number, one in enumerate(known):
        if (most is not None and len(chosen) >= most) or (begin is not None and one.taken_at <= begin):
            break
        if span(one.taken_at) != last or number == len(known) - 1:
            chosen.append(one)
            last = span(one.taken_at)
    return chosen


def _split(known: Sequence[KnownSnapshot], kept: set[str]) -> Choice:
    return Choice(tuple(one for one in known if one.id in kept), tuple(one for one in known if one.id not in kept))


def _lasting(rule: RetentionSettings, name: str) -> str:
    """A number of the rule as a duration of restic's; empty: none of that kind."""
    number = min(getattr(rule, name), _MOST_YEARS) if name == "yearly" else getattr(rule, name)
    return f"{number * 7 if name == 'weekly' else number}{_WITHIN[name]}" if number else ""


def _before(moment: datetime, lasting: str) -> datetime:
    """A moment before ``moment``, by restic's durations (days and months of the calendar, as Go's ``AddDate``)."""
    number, unit = int(lasting[:-1]), lasting[-1]
    if unit in "hd":
        return moment - timedelta(**{{"h": "hours", "d": "days"}[unit]: number})
    months = moment.year * 12 + moment.month - 1 - number * (12 if unit == "y" else 1)
    first = moment.replace(year=max(1, months // 12), month=months % 12 + 1, day=1)
    # The 31st of a month with 30 days is the first of the next one.
    return first + timedelta(days=moment.day - 1)
