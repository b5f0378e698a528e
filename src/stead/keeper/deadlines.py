"""What must have been proven of a place lately enough: older backups, all of it restored, all of it read back."""

from __future__ import annotations

from collections.abc import Iterator

from stead.keeper.facts import Facts, PlaceFact
from stead.words.quantities import say_duration
from stead.words.verdict import Finding, Severity, Verdict

_DAY = 86400.0
#: Seconds without a passed full drill of a place.
FULL_WARNING, FULL_ALARM = 35 * _DAY, 50 * _DAY
#: What was not read back for so many times the time allowed is an alarm.
_MUCH_LATER = 1.5


def deadlines(facts: Facts, place: PlaceFact) -> Iterator[Finding]:
    """Findings about one place; silent while everything was proven in time."""
    yield from _older(facts, place)
    yield from _full(facts, place)
    yield from _reading(facts, place)


def _make(key: str, severity: Severity, what: str, next_step: str) -> Finding:
    return Finding(key, severity, what, "", next_step)


def _older(facts: Facts, place: PlaceFact) -> Iterator[Finding]:
    """Drills of older backups: a good newest one hides nothing of them, nor they of it."""
    for age, last in place.older:
        now = f"drill it now: stead drill --place {place.name} --age {age}"
        which = f"the last drill of an older backup in {place.name} ({age})"
        key = f"{place.name}/{age}"
        if last.verdict is Verdict.FAIL:
            what = f"{which} failed: {last.reason or 'no reason was given'}"
            yield _make(f"drill-failed:{key}", Severity.ALARM, what, f"correct the cause, then {now}")
        elif last.verdict is Verdict.UNPROVEN:
            what = f"{which} could not be made: {last.reason or 'no reason was given'}"
            yield _make(f"drill-unproven:{key}", Severity.WARNING, what, f"correct the cause, then {now}")
        elif facts.age(last.at) > facts.older_age_allowed:
            yield _make(
                f"drill-old:{key}", Severity.WARNING, f"{which} was {say_duration(facts.age(last.at))} ago", now
            )


def _full(facts: Facts, place: PlaceFact) -> Iterator[Finding]:
    last, now = place.last_full, f"make one: stead drill --full --place {place.name}"
    why = f"; the last one: {last.reason}" if last and last.verdict is Verdict.UNPROVEN and last.reason else ""
    if last is not None and last.verdict is Verdict.FAIL:
        what = f"the last full drill of {place.name} failed: {last.reason or 'no reason was given'}"
        yield _make(f"full-drill-failed:{place.name}", Severity.ALARM, what, f"correct the cause, then {now}")
    since = place.full_passed_at or place.first_at
    if since is None or (age := facts.age(since)) <= FULL_WARNING:
        return
    passed = f"passed for {say_duration(age)}" if place.full_passed_at else "ever passed"
    yield _make(
        f"full-drill-old:{place.name}",
        Severity.ALARM if age > FULL_ALARM else Severity.WARNING,
        f"no full drill of {place.name} {passed}: that all of it comes back to a disk is not proven{why}",
        now,
    )


def _reading(facts: Facts, place: PlaceFact) -> Iterator[Finding]:
    reading = place.reading
    if reading is None:
        return
    if reading.damage:
        more = f" (and {len(reading.damage) - 3} more)" if len(reading.damage) > 3 else ""
        yield _make(
            f"read-back-damaged:{place.name}",
            Severity.ALARM,
            f"the place {place.name} gave back damaged data: {'; '.join(reading.damage[:3])}{more}",
            f"see which backups still come back: stead drill --full --place {place.name}; then repair the place, or "
            f"make it anew, and ask again: stead backup verify --place {place.name}",
        )
    if (age := facts.age(reading.oldest_at)) > facts.read_back:
        why = f"; the last try: {reading.trouble}" if reading.trouble else ""
        yield _make(
            f"read-back-old:{place.name}",
            Severity.ALARM if age > _MUCH_LATER * facts.read_back else Severity.WARNING,
            f"some of {place.name} was not read back for {say_duration(age)}, the goal is "
            f"{say_duration(facts.read_back)}{why}",
            f"read all of it now: stead backup verify --all --place {place.name}",
        )
