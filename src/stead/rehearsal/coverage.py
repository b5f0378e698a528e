"""Which parts of a backup a drill counts, in which order, and what the count says against the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from stead.records import Records
from stead.rehearsal.counter import COMMON, GRACE, LIMIT, Counting, Unit
from stead.rehearsal.inventory import Inventories, differences
from stead.services import SERVICES
from stead.words.declaration import Inventory
from stead.words.home import Home
from stead.words.quantities import read_time, say_time

#: What was not counted for this long is waited for, however long it takes.
_AT_LEAST_EVERY = timedelta(days=1)
#: Names counted beside a boot without slowing it: reading them takes the place's program half a second.
_BESIDE = 60_000


@dataclass(frozen=True)
class Counted:
    """What a drill counted: what it found, what differs from the record, and what there was no time for."""

    found: dict[Unit, Inventory]
    differences: tuple[str, ...]
    left_out: tuple[Unit, ...]

    def totals(self) -> dict[str, dict[str, int]]:
        """Totals by service, of what was counted."""
        sums: dict[str, dict[str, int]] = {}
        for unit, inventory in self.found.items():
            mine = sums.setdefault(unit.service, {})
            for kind, number in inventory.totals.items():
                mine[kind] = mine.get(kind, 0) + number
        return sums


def units_of(recorded: Inventories, users: Sequence[str]) -> list[Unit]:
    """Everything there is to count: each user of each service that counts, and what belongs to nobody alone."""
    counting = [service.name for service in SERVICES if service.inventory is not None and service.name in recorded]
    return [Unit(service, user) for service in counting for user in (COMMON, *users)]


def order(units: Sequence[Unit], recorded: Inventories, users: Sequence[str]) -> list[Unit]:
    """The small ones first, so that one huge mailbox hides nothing else."""
    return sorted(units, key=lambda unit: _names(recorded, unit, users))


def this_time(
    home: Home, units: Sequence[Unit], recorded: Inventories, users: Sequence[str], *, whole: bool
) -> list[Unit]:
    """Which of ``units`` (in their order) a drill counts: as many as cost next to nothing, and what is due.

    So an hourly drill takes no longer when there is more data, and one a day pays for the large ones.
    """
    overdue = _overdue(units, _counted_at(home), datetime.now(UTC))
    chosen, names = [], 0
    for unit in units:
        names += _names(recorded, unit, users)
        if whole or unit in overdue or names <= _BESIDE:
            chosen.append(unit)
    return chosen


def collect(
    home: Home,
    counting: Counting,
    units: Sequence[Unit],
    recorded: Inventories,
    users: Sequence[str],
    *,
    whole: bool,
    keep: bool = True,
) -> Counted:
    """Take what was counted, compare it with the record, and remember what was reached (``keep`` False: do not, for an
    older backup says nothing about the newest)."""
    now = datetime.now(UTC)
    before = _counted_at(home)
    found = counting.collect(wait=LIMIT if whole or _overdue(units, before, now) else GRACE)
    reached = dict.fromkeys(found, say_time(now))
    if keep:
        _remember(home, {**dict.fromkeys(units, say_time(now)), **before, **reached}, now)
    lines = [
        line
        for unit, inventory in found.items()
        for line in differences(
            {unit.service: Inventory({}, _share(recorded, unit, users))},
            {unit.service: Inventory({}, inventory.parts)},
        )
    ]
    return Counted(found, tuple(lines), tuple(unit for unit in units if unit not in found))


def _share(recorded: Inventories, unit: Unit, users: Sequence[str]) -> dict[str, int]:
    parts = recorded[unit.service].parts
    return {name: number for name, number in parts.items() if _owner(name, users) == unit.user}


def _names(recorded: Inventories, unit: Unit, users: Sequence[str]) -> int:
    return sum(number for part, number in _share(recorded, unit, users).items() if not part.endswith("bytes"))


def _overdue(units: Sequence[Unit], counted: Mapping[Unit, str], now: datetime) -> list[Unit]:
    return [u for u in units if u in counted and now - read_time(counted[u]) > _AT_LEAST_EVERY]


def _owner(part: str, users: Sequence[str]) -> str:
    user = part.partition("/")[0]
    return user if user in users else COMMON


def _counted_at(home: Home) -> Mapping[Unit, str]:
    """When each unit was counted last, or, if never, first to be counted."""
    with Records(home.records) as records:
        noted = records.noted("counted")
    return {Unit(*key.split("/", 1)): when for key, when in noted.content.items()} if noted else {}


def _remember(home: Home, counted: Mapping[Unit, str], now: datetime) -> None:
    with Records(home.records) as records:
        records.note("counted", {f"{unit.service}/{unit.user}": when for unit, when in counted.items()}, now)
