"""Which part of a place is read back next, and how old the oldest reading is: a small file for each place.

A slice ``n/t`` of restic's is the packs whose first byte leaves ``n - 1`` over when divided by ``t``. Kept is a time
for each first byte, so the number of slices may change without anything being forgotten.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.quantities import read_time, say_time

_BYTES = 256
#: All slices are done within this share of the time allowed: some days may fail.
_EARLY = 5 / 6
_DAY = 86400.0
_WHEN_BEHIND = 3


@dataclass(frozen=True)
class Damage:
    """Something that was read back and is not what was stored: the pack's full name (or its slice's bytes only)."""

    first_byte: int
    what: str


@dataclass(frozen=True)
class Reading:
    """What is known of reading a place back. Times are by the first byte of packs (None: not yet).

    ``begun_at``: from then on it was to be read; ``tried`` counts attempts that could not end, too, so that one bad
    slice stops no other; ``rate`` is bytes a second and ``size`` the bytes of the last one; ``trouble`` why it could
    not end.
    """

    repository: str
    begun_at: datetime
    read_at: tuple[datetime | None, ...] = (None,) * _BYTES
    tried_at: tuple[datetime | None, ...] = (None,) * _BYTES
    damage: tuple[Damage, ...] = ()
    rate: float | None = None
    trouble: str | None = None
    size: int = 0

    def age(self, now: datetime) -> float:
        """Seconds since the oldest reading; what was never read counts from the beginning."""
        return max(0.0, (now - min(at or self.begun_at for at in self.read_at)).total_seconds())

    @property
    def whole(self) -> bool:
        """Whether everything was read at least once."""
        return all(self.read_at)


@dataclass(frozen=True)
class Slice:
    """Part ``number`` (from 1) of ``of`` parts."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def first_bytes(self) -> range:
        """The first bytes of the packs in it (restic 0.18, ``selectPacksByBucket``)."""
        return range(self.number - 1, _BYTES, self.of)


def parts(within: float) -> int:
    """How many slices a place has, so that one a day is done in time with days to spare. ``within`` seconds."""
    return max(1, min(_BYTES, int(within / _DAY * _EARLY)))


def interval(within: float) -> float:
    """Seconds from one slice to the next."""
    return within * _EARLY / parts(within)


def turns(reading: Reading, within: float, now: datetime) -> int:
    """How many slices to read now: one, and some more after days on which none could be read."""
    behind = reading.age(now) > interval(within) * (parts(within) + 1)
    return min(_WHEN_BEHIND, parts(within)) if behind else 1


def choose(reading: Reading, of: int) -> Slice:
    """The slice tried longest ago, the one never tried first; never by chance."""
    return min((Slice(number, of) for number in range(1, of + 1)), key=lambda one: _oldest(reading, one))


def damaged(reading: Reading, of: int) -> Slice | None:
    """Of the slices in which damage was found, the one tried longest ago: it is asked again."""
    hit = {damage.first_byte % of + 1 for damage in reading.damage}
    return min((Slice(number, of) for number in hit), key=lambda one: _oldest(reading, one), default=None)


def tried(reading: Reading, one: Slice, now: datetime, trouble: str | None) -> Reading:
    """After an attempt that could not end."""
    return replace(reading, tried_at=_stamped(reading.tried_at, one, now), trouble=trouble)


def done(
    reading: Reading, one: Slice, now: datetime, found: tuple[Damage, ...], *, size: int = 0, seconds: float = 0.0
) -> Reading:
    """After a slice was read: what was wrong in it before is well now, or is in ``found``."""
    rate = size / seconds if size and seconds else reading.rate
    others = tuple(damage for damage in reading.damage if damage.first_byte not in one.first_bytes)
    after = replace(tried(reading, one, now, None), damage=(*others, *found), rate=rate, size=size or reading.size)
    return after if found else replace(after, read_at=_stamped(after.read_at, one, now))


def finished_by(reading: Reading, within: float, now: datetime) -> datetime:
    """When everything will have been read once more, at one slice after the other."""
    return now + timedelta(seconds=interval(within) * parts(within))


def load_reading(home: Home, place: str) -> Reading | None:
    """What is known of reading a place back (None: nothing yet)."""
    try:
        return _read(json.loads(_file(home, place).read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as wrong:
        raise SteadError(
            f"the file {_file(home, place)} is damaged ({wrong!r})",
            hint="move it away: everything in the place is read back anew, one slice after the other",
        ) from None


def save_reading(home: Home, place: str, reading: Reading) -> None:
    """Replace it, whole or not at all."""
    file = _file(home, place)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(file.name + ".new")
    with new.open("w") as handle:
        json.dump(_write(reading), handle)
        handle.flush()
        os.fsync(handle.fileno())
    new.replace(file)


def _file(home: Home, place: str) -> Path:
    # No place's name has a dot in it.
    return home.lib / "places" / f"{place}.reading.json"


def _oldest(reading: Reading, one: Slice) -> tuple[float, int]:
    times = [reading.tried_at[byte] for byte in one.first_bytes]
    return min(at.timestamp() if at else float("-inf") for at in times), one.number


def _stamped(times: tuple[datetime | None, ...], one: Slice, now: datetime) -> tuple[datetime | None, ...]:
    return tuple(now if byte in one.first_bytes else at for byte, at in enumerate(times))


def _write(reading: Reading) -> dict[str, Any]:
    return {
        "schema": 1,
        "repository": reading.repository,
        "begun_at": say_time(reading.begun_at),
        "read_at": [at and say_time(at) for at in reading.read_at],
        "tried_at": [at and say_time(at) for at in reading.tried_at],
        "damage": [[one.first_byte, one.what] for one in reading.damage],
        "rate": reading.rate,
        "trouble": reading.trouble,
        "size": reading.size,
    }


def _read(raw: dict[str, Any]) -> Reading:
    return Reading(
        repository=raw["repository"],
        begun_at=read_time(raw["begun_at"]),
        read_at=_times(raw["read_at"]),
        tried_at=_times(raw["tried_at"]),
        damage=tuple(Damage(int(byte), str(what)) for byte, what in raw["damage"]),
        rate=raw["rate"],
        trouble=raw["trouble"],
        size=int(raw["size"]),
    )


def _times(raw: list[str | None]) -> tuple[datetime | None, ...]:
    if len(raw) != _BYTES:
        raise ValueError("not 256 times")
    return tuple(read_time(at) if at else None for at in raw)
