"""Expected errors. Each carries one message, the next thing to try, and the exit code of the contract."""

from __future__ import annotations

DONE, BAD_ANSWER, USAGE, UNPROVEN, BUG, INTERRUPTED = 0, 1, 2, 3, 70, 130


class SteadError(Exception):
    """An expected failure, told to the owner without a traceback.

    ``hint`` is the next thing to try; ``code`` the exit code (see the constants of this module).
    """

    code = BAD_ANSWER

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(SteadError):
    """Wrong usage or wrong settings: exit 2, nothing was changed."""

    code = USAGE


class UnprovenError(SteadError):
    """A check could not run, so nothing is known: exit 3."""

    code = UNPROVEN
