"""One act as a child process: started in a session of its own, its end and its last words seen, ended when overdue.

A child outlives a killed keeper. Its pid and start time are in a file, so the next keeper finds it and goes on waiting.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from stead.keeper.running import act_folder, environment, of, started
from stead.keeper.schedule import Act
from stead.run import start
from stead.words.home import Home

_TAIL = 4096
_AS_LONG_AS_IT_TAKES = 60 * 86400.0
#: Lines of a result that say what was bad in it.
_BAD = re.compile(r"\b(fail|failed|unproven|reason)\b")


class _Process(Protocol):
    """As much of a started program as is needed here."""

    def poll(self) -> int | None:
        """Its exit code, once it has ended."""
        ...


@dataclass
class Child:
    """An act under way. ``record`` None: nothing could be recorded. ``process`` None: it was started by a keeper that
    is dead."""

    act: Act
    record: int | None
    pid: int
    began: str
    since: float
    process: _Process | None = field(default=None, repr=False)
    overdue: bool = False

    def ended(self) -> int | None:
        """Its exit code, once it has ended (of an adopted one only that it ended is known: 0)."""
        if self.process is not None:
            return self.process.poll()
        return None if started(self.pid) == self.began else 0

    def end(self, number: signal.Signals) -> None:
        """Send a signal to it and all it started in its session."""
        if started(self.pid) != self.began:
            return
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return


def begin(home: Home, act: Act, record: int | None) -> Child:
    """Start an act; ``record`` is its number in the records, if it has one."""
    folder = act_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    with _output(home, act).open("wb") as said:
        process = start(
            [sys.executable, "-m", "stead.cli", *act.args, *of(home)], stdout=said, stderr=said, env=environment()
        )
    (home.long_acts / str(process.pid)).unlink(missing_ok=True)
    began = started(process.pid) or ""
    draft = folder / f"{act.name}.new"
    draft.write_text(f"{process.pid} {began}")
    draft.rename(folder / f"{act.name}.pid")
    return Child(act, record, process.pid, began, time.monotonic(), process)


def set_aside(home: Home, child: Child) -> Child:
    """An act that has come to what may take days, under a name of its own: the next one of its kind need not wait."""
    folder, name = act_folder(home), f"{child.act.name}-{child.pid}"
    for ending in ("pid", "out"):
        (folder / f"{child.act.name}.{ending}").rename(folder / f"{name}.{ending}")
    (home.long_acts / str(child.pid)).unlink(missing_ok=True)
    return replace(child, act=replace(child.act, name=name, alone="", deadline=_AS_LONG_AS_IT_TAKES, kept=False))


def forget(home: Home, child: Child) -> str:
    """After its end: remove its file and return its last words."""
    (act_folder(home) / f"{child.act.name}.pid").unlink(missing_ok=True)
    return last_words(_output(home, child.act))


def last_words(file: Path) -> str:
    """What a child said last, for a record: no more than a few lines."""
    try:
        with file.open("rb") as said:
            said.seek(max(0, os.fstat(said.fileno()).st_size - _TAIL))
            text = said.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line for line in text.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("stead: ")] or [line for line in lines if _BAD.search(line)]
    return "; ".join(" ".join(line.split()) for line in (told or lines)[-3:])[:600]


def _output(home: Home, act: Act) -> Path:
    return act_folder(home) / f"{act.name}.out"
