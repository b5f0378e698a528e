"""Verdicts, findings and proofs' pieces: how Stead says whether something holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from stead.words.errors import BAD_ANSWER, DONE, UNPROVEN, SteadError


class Verdict(StrEnum):
    """What a check found. A check that could not run is ``UNPROVEN``, never ``PASS``."""

    PASS = "pass"
    FAIL = "fail"
    UNPROVEN = "unproven"

    @property
    def exit_code(self) -> int:
        """The contract's code for a command that ends with this verdict."""
        return {Verdict.PASS: DONE, Verdict.FAIL: BAD_ANSWER, Verdict.UNPROVEN: UNPROVEN}[self]


def verdict_of(trouble: SteadError) -> Verdict:
    """What a check that ended with ``trouble`` says: unproven when it could not run, fail otherwise."""
    return Verdict.UNPROVEN if trouble.code == UNPROVEN else Verdict.FAIL


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of the whole: fail beats unproven beats pass; nothing checked is unproven."""
    seen = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.UNPROVEN):
        if verdict in seen:
            return verdict
    return Verdict.PASS if seen else Verdict.UNPROVEN


class Severity(StrEnum):
    """How much a finding matters: an alarm wakes the owner, a warning waits for the day, a note informs."""

    ALARM = "alarm"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """Something wrong or unproven that the owner should know; ``since`` is RFC 3339 UTC, ``next`` what to do."""

    id: str
    severity: Severity
    what: str
    since: str
    next: str
