"""Look inside a running machine: what failed in it, whether it has booted. What it answers is not to be trusted."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from subprocess import PIPE as _PIPE  # noqa: TID251  (the word for a pipe, and the type of what stead.run.start returns)
from subprocess import Popen  # noqa: TID251

from stead.machine.collector import plain
from stead.machine.programs import ENVIRONMENT
from stead.run import start
from stead.words.errors import SteadError
from stead.words.machine import Machine

_ANSWER_LIMIT = 1 << 18
_UNITS_SHOWN = 50


@dataclass(frozen=True)
class Answer:
    """What a program inside said (both outputs together, cut to a bound) and its exit code."""

    code: int
    text: str


def ask(machine: Machine, program: Sequence[str], *, limit: float = 10.0, uid: int = 0) -> Answer:
    """Run a program inside the machine as guest user ``uid``; it is ended after ``limit`` seconds (code -9).

    For looking and for tests: nothing the machine needs to work may depend on this.
    """
    reading, writing = os.pipe()
    child = start(_entering(machine, program, uid), stdout=writing, stderr=writing, env=ENVIRONMENT)
    os.close(writing)
    try:
        text = _read(reading, time.monotonic() + limit)
        code = child.wait(0.5) if child.poll() is None else child.returncode
    except TimeoutError:
        child.kill()
        child.wait()
        return Answer(-9, f"{program[0]} did not end within {limit:.0f} s")
    finally:
        os.close(reading)
    return Answer(code, text)


def talk(machine: Machine, program: Sequence[str], *, uid: int) -> Popen[bytes]:
    """Start a program inside the machine as guest user ``uid``, with pipes to and from it; the caller ends it.

    What it says is the machine's word: to be bounded, and not to be trusted.
    """
    return start(_entering(machine, program, uid), stdin=_PIPE, stdout=_PIPE, env=ENVIRONMENT)


def _entering(machine: Machine, program: Sequence[str], uid: int) -> list[str]:
    return [sys.executable, "-m", "stead.machine.enter", str(machine.leader), str(uid), *program]


def _read(handle: int, deadline: float) -> str:
    kept = bytearray()
    while True:
        ready, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        data = os.read(handle, 65536)
        if not data:
            return kept.decode("utf-8", "replace")
        kept += data[: max(0, _ANSWER_LIMIT - len(kept))]


def failed_units(machine: Machine) -> tuple[str, ...]:
    """The units that failed in the machine, or are being started again and again; in the machine's order."""
    states = "--state=failed,auto-restart"
    answer = ask(machine, ["systemctl", "list-units", "--all", states, "--plain", "--no-legend", "--no-pager"])
    if answer.code != 0:
        raise SteadError(f"the machine {machine.name} does not say how it is: {plain(answer.text)[:200]}")
    units = [plain(line).split(" ")[0][:128] for line in answer.text.splitlines()[:_UNITS_SHOWN]]
    return tuple(unit for unit in units if unit)


def say_failed(machine: Machine) -> str:
    """The same in words, for a message about something else: it never raises."""
    try:
        return "failed: " + (", ".join(failed_units(machine)) or "no unit")
    except SteadError as silent:
        return silent.message


def wait_booted(machine: Machine, limit: float = 60.0) -> None:
    """Wait until the machine has started everything it starts; SteadError when ``limit`` seconds were not enough."""
    answer = ask(machine, ["systemctl", "is-system-running", "--wait"], limit=limit)
    if plain(answer.text) not in ("running", "degraded"):
        raise SteadError(f"the machine {machine.name} has not booted: {plain(answer.text)[:200]}")
