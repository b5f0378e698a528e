"""Changes that look wrong: a decision out of facts alone. What it says is an alarm, and nothing may be pruned.

Small numbers are never wrong: a person who tidies a mailbox must not be woken (see ``docs/decisions``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from stead.backup.pieces import Shift
from stead.words.declaration import Inventory
from stead.words.quantities import say_time

_GONE, _REWRITTEN = 0.2, 0.5
#: Fewer settled files than this are a person's own doing.
_FEW_FILES = 50
_FEW_THINGS = 20
#: Seconds by which clocks may differ.
_CLOCK = 600.0


@dataclass(frozen=True)
class Wrong:
    """Something that looks wrong. ``stays``: it was seen once and holds until the owner says that it was meant."""

    id: str
    what: str
    stays: bool


def look_wrong(shifts: Iterable[Shift], before: Mapping[str, Inventory], after: Mapping[str, Inventory]) -> list[Wrong]:
    """What looks wrong in the content: much gone or rewritten within a day, somebody's things all gone at once."""
    day = list(shifts)
    most = max((shift.files for shift in day), default=0)
    gone, rewritten = sum(s.gone for s in day), sum(s.rewritten for s in day)
    found = []
    if gone >= max(_FEW_FILES, _GONE * most):
        found.append(Wrong("changes-gone", f"{gone} of {most} files are gone within a day", True))
    if rewritten >= max(_FEW_FILES, _REWRITTEN * most):
        words = f"{rewritten} of {most} files that had lain still were rewritten within a day, as ransomware does"
        found.append(Wrong("changes-rewritten", words, True))
    return found + _emptied(before, after)


def clock_wrong(now: datetime, newest: datetime | None, drift: float | None) -> list[Wrong]:
    """What looks wrong with the clock: ``newest`` is the newest backup's time, ``drift`` seconds that the clock went
    more than the computer since the last look (None: it was started in between)."""
    found = []
    if newest is not None and (newest - now).total_seconds() > _CLOCK:
        words = (
            f"the newest backup is of {say_time(newest)}, which is in the future: the clock was set back, or is wrong"
        )
        found.append(Wrong("changes-future", words, False))
    if drift is not None and abs(drift) > _CLOCK:
        way = "forward" if drift > 0 else "back"
        found.append(Wrong("changes-clock", f"the clock jumped {way} by {abs(drift):.0f} s", False))
    return found


def _emptied(before: Mapping[str, Inventory], after: Mapping[str, Inventory]) -> list[Wrong]:
    found = []
    for service, inventory in before.items():
        had, has = _held(inventory), _held(after.get(service, Inventory({}, {})))
        users = {part.partition("/")[0] for one in after.values() for part in one.parts}
        for user, number in sorted(had.items()):
            # An account that was removed is in no service any more: that was the owner's own act.
            if number >= _FEW_THINGS and not has.get(user) and user in users:
                words = f"everything of {user} in {service} is gone at once: {number} in the backup before, none now"
                found.append(Wrong(f"changes-empty-{service}-{user}", words, True))
    return found


def _held(inventory: Inventory) -> dict[str, int]:
    held: dict[str, int] = {}
    for part, number in inventory.parts.items():
        user, _, rest = part.partition("/")
        if rest != "bytes":
            held[user] = held.get(user, 0) + number
    return held
