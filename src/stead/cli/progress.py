"""Progress on standard error: a line per step with its time and the time expected; live where it is a terminal.

How long each step took is kept in the records, so that the next run can say what to expect.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol

from stead.records import Records
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.progress import Progress
from stead.words.quantities import say_duration


class _Printer(Protocol):
    """Shows steps; depth 0 is the outermost."""

    def begin(self, words: str, expected: float | None, depth: int) -> None: ...
    def end(self, words: str, seconds: float, depth: int, *, failed: bool) -> None: ...
    def say(self, words: str, depth: int) -> None: ...


class Told:
    """A :class:`Progress` that prints, asks the records what to expect, and measures."""

    def __init__(self, printer: _Printer, home: Home, verb: str) -> None:
        self._printer = printer
        self._home = home
        self._verb = verb
        self._depth = 0
        self._took: list[tuple[str, float]] = []

    @contextmanager
    def step(self, words: str, *, expected: float | None = None) -> Iterator[None]:
        """Print a step's begin and end."""
        name = f"step {self._verb}: {words}"
        self._printer.begin(words, expected if expected is not None else self._expected(name), self._depth)
        self._depth += 1
        began, failed = time.monotonic(), True
        try:
            yield
            failed = False
        finally:
            self._depth -= 1
            seconds = time.monotonic() - began
            self._printer.end(words, seconds, self._depth, failed=failed)
            if not failed:
                self._took.append((name, seconds))

    def say(self, words: str) -> None:
        """Print one remark."""
        self._printer.say(words, self._depth)

    def close(self) -> None:
        """Keep what was measured, if there are records to keep it in."""
        if not self._home.records.exists():
            return
        try:
            with Records(self._home.records) as records:
                for name, seconds in self._took:
                    records.save_measured(name, seconds, datetime.now(UTC))
        except SteadError:
            # Expected times are a comfort; a command that worked must not fail for them.
            return

    def _expected(self, name: str) -> float | None:
        if not self._home.records.exists():
            return None
        try:
            with Records(self._home.records) as records:
                return records.expected(name)
        except SteadError:
            return None


class Plain:
    """One line per step, for pipes and log files."""

    def begin(self, words: str, expected: float | None, depth: int) -> None:
        """A step that is expected to take long is announced; others are told when they end."""
        if expected is None or expected >= 2:
            about = f" (about {say_duration(expected)})" if expected is not None else ""
            self._line(f"{'  ' * depth}{words} ...{about}")

    def end(self, words: str, seconds: float, depth: int, *, failed: bool) -> None:
        """The step's line with its time."""
        self._line(f"{'  ' * depth}{words}: {'failed after ' if failed else ''}{say_duration(seconds)}")

    def say(self, words: str, depth: int) -> None:
        """A remark, set in."""
        self._line(f"{'  ' * depth}{words}")

    def _line(self, words: str) -> None:
        print(words, file=sys.stderr, flush=True)


@contextmanager
def shown(home: Home, verb: str) -> Iterator[Progress]:
    """The progress of one command."""
    if sys.stderr.isatty():
        from stead.cli.live_progress import Live  # noqa: PLC0415 - rich is slow to load and not needed in a pipe

        with Live() as live:
            told = Told(live, home, verb)
            try:
                yield told
            finally:
                told.close()
        return
    told = Told(Plain(), home, verb)
    try:
        yield told
    finally:
        told.close()
