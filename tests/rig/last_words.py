"""What the machines of a failed test said: a failure that comes once in a hundred runs is understood or never."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stead import machine
from stead.words.errors import SteadError
from stead.words.home import Home

_LINES = 40
_WARNING = 4
_STATES = "--state=active,activating,reloading,auto-restart,failed"
_UNITS = ("systemctl", "list-units", "--all", "--type=service", _STATES, "--plain", "--no-legend")


def last_words(values: Iterable[object]) -> Iterator[tuple[str, str]]:
    """For each home among a test's values, or in one of them: a title, and what its live machine says and said."""
    for home in dict.fromkeys(home for value in values if (home := _home(value))):
        yield f"machine of {home.lib}", "\n".join((*_units(home), *_warnings(home)))


def _home(value: object) -> Home | None:
    for _ in range(3):
        if isinstance(value, Home):
            return value
        value = getattr(value, "home", None) or getattr(value, "server", None)
    return None


def _units(home: Home) -> tuple[str, ...]:
    try:
        running = machine.find(home, "live")
        return () if running is None else (machine.ask(running, _UNITS).text,)
    except (OSError, SteadError) as silent:
        return (f"it does not answer: {silent}",)


def _warnings(home: Home) -> list[str]:
    lines = machine.read_logs(home, "live")
    told = [line for line in lines if line.unit == "init.scope" or (line.priority or 0) <= _WARNING]
    return [f"{line.time:%H:%M:%S.%f} {line.unit}: {line.message[:200]}" for line in told[-_LINES:]]
