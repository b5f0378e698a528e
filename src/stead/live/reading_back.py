"""Reading every place back in turns; each place is proven on its own, and what it came to is kept as a proof."""

from __future__ import annotations

from datetime import UTC, datetime

from stead import backup as copies
from stead.backup import ReadBack
from stead.records import Records
from stead.rehearsal.known import place_settings, places, restic_program
from stead.settings import Settings
from stead.words.home import Home
from stead.words.progress import Progress
from stead.words.verdict import Verdict, worst


def read_back(
    home: Home, settings: Settings, progress: Progress, place: str | None = None, *, whole: bool = False
) -> tuple[ReadBack, ...]:
    """Read one slice of every place (or of the one named), or ``whole`` places; none stops another."""
    found: list[ReadBack] = []
    settings_of = {one.name: one for one in place_settings(home, settings, place)}
    for one in places(home, settings, place):
        with progress.step(f"reading {one.name} back"):
            came = copies.read_back(
                home, one, restic_program(home), settings.keeper.read_back, datetime.now(UTC),
                whole=whole, budget=copies.read_budget(home, settings_of[one.name]),
            )  # fmt: skip
        _record(home, one.name, came)
        found += came
    return tuple(found)


def _record(home: Home, place: str, came: tuple[ReadBack, ...]) -> None:
    now, verdict = datetime.now(UTC), worst(one.verdict for one in came)
    reason = "; ".join(one.reason for one in came if one.reason) or None
    size, seconds = sum(one.size for one in came), sum(one.seconds for one in came)
    slices = [{"slice": one.slice, "verdict": one.verdict.value, "damage": list(one.damage)} for one in came]
    copies.count(home, place, read=size)
    seen = {"place": place, "slices": slices, "bytes": size, "reason": reason}
    with Records(home.records) as records:
        records.save_proof("read-back", verdict, now, seconds, seen)
        records.set_state(f"read-back {place}", verdict.value, reason or "read well", now)
        if verdict is not Verdict.UNPROVEN:
            records.save_measured(f"read-back {place}", seconds, now)
