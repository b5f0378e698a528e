"""The 3-2-1-1-0 rule, measured: three copies, two kinds, one off-site, one that cannot be deleted, zero errors.

A copy counts when its last drill passed; off-site and undeletable when a try of the place found so, lately. What was
not measured is shown as ``?`` and holds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from stead.keeper.facts import Facts, PlaceFact
from stead.settings import Medium
from stead.words.verdict import Verdict

#: Seconds a try of a place says something: the keeper makes one each month.
_TRY_HOLDS = 45 * 86400.0


@dataclass(frozen=True)
class Digit:
    """One digit of the rule. ``measured`` None: it could not be; ``missing`` and ``next`` are for the owner."""

    name: str
    wanted: int
    measured: int | None
    words: str
    missing: str
    next: str

    @property
    def holds(self) -> bool:
        """Whether the rule is kept in this."""
        if self.measured is None:
            return False
        return self.measured == 0 if self.wanted == 0 else self.measured >= self.wanted

    @property
    def said(self) -> str:
        """The digit as shown."""
        return "?" if self.measured is None else str(self.measured)


def digits(facts: Facts) -> tuple[Digit, ...]:
    """The five, in the rule's order."""
    good = [place for place in facts.places if place.survives and _drilled(place)]
    media = {Medium.DISK, *(place.medium for place in good)} if facts.set_up else set()
    return (
        _counted("copies", 3, len(good) + facts.set_up, ("copy", "copies"), "that came back",
                 step="add a place: stead place add; each counts when a drill of it has passed"),
        _counted("kinds", 2, len(media), ("kind", "kinds"), "of media",
                 step="add a place of another kind, another computer or a provider: stead place add"),
        _tried_digit(facts, good, "offsite", "at another site",
                     "add a place outside of your home, or try the ones you have: stead place test"),
        _tried_digit(facts, good, "undeletable", "that cannot be deleted",
                     "use an append-only server or a bucket with object lock (docs/operate/places.md)"),
        _errors(facts),
    )  # fmt: skip


def _counted(name: str, wanted: int, measured: int, noun: tuple[str, str], words: str, *, step: str) -> Digit:
    shown = f"{measured} {noun[measured != 1]} {words}"
    missing = f"there {'is' if measured == 1 else 'are'} {measured} of {wanted} {noun[1]} {words}"
    return Digit(name, wanted, measured, shown, missing, step)


def _tried_digit(facts: Facts, good: list[PlaceFact], name: str, words: str, step: str) -> Digit:
    answers = [_answer(facts, place, name) for place in good]
    measured = None if True not in answers and None in answers else answers.count(True)
    what = f"no copy is known to be one {words}" if measured is None else f"there is no copy {words}"
    return Digit(name, 1, measured, f"{'?' if measured is None else measured} {words}", what, step)


def _answer(facts: Facts, place: PlaceFact, name: str) -> bool | None:
    tried = place.tried
    if tried is None or facts.age(tried.at) > _TRY_HOLDS or tried.verdict is not Verdict.PASS:
        return None
    return tried.refused if name == "undeletable" else tried.offsite


def _errors(facts: Facts) -> Digit:
    last = [place.last_drill.verdict if place.last_drill else Verdict.UNPROVEN for place in facts.places]
    failed = last.count(Verdict.FAIL)
    unsure = [place.name for place in facts.places if not facts.proven(place)]
    measured = failed if failed or (facts.places and not unsure) else None
    missing = f"{failed} tested restores failed" if failed else f"not tested lately: {', '.join(unsure) or 'any place'}"
    shown = "?" if measured is None else measured
    return Digit("errors", 0, measured, f"{shown} errors in tested restores", missing, "drill them: stead drill")


def _drilled(place: PlaceFact) -> bool:
    return place.newest_at is not None and place.last_drill is not None and place.last_drill.verdict is Verdict.PASS
