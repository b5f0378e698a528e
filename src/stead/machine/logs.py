"""Read what the collector wrote down: the machine's journal and its console. The files are an unprivileged user's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from stead.machine.collecting import log_folder
from stead.machine.collector import FILES, plain
from stead.words.home import Home
from stead.words.quantities import read_time

_LINE_LIMIT = 65536
_CONSOLE_SHOWN = 32 << 10


@dataclass(frozen=True)
class LogLine:
    """One line of a machine's journal; who wrote it (``unit``, ``uid``, ``exe``) is found by journald."""

    time: datetime
    unit: str
    uid: int | None
    exe: str
    priority: int | None
    message: str


def read_logs(home: Home, machine: str, unit: str | None = None, since: datetime | None = None) -> Iterator[LogLine]:
    """The machine's log, oldest first, of all units or one, from a moment on."""
    folder = log_folder(home, machine)
    for name in (*(f"journal.jsonl.{number}" for number in range(FILES - 1, 0, -1)), "journal.jsonl"):
        for line in _lines(folder / name):
            if (unit is None or line.unit == unit) and (since is None or line.time >= since):
                yield line


def console(home: Home, name: str) -> tuple[str, ...]:
    """The last lines of the machine's console, made harmless to show."""
    tail = b""
    for file in ("console.log.1", "console.log"):
        opened = _open(log_folder(home, name) / file)
        if opened:
            with opened as source:
                tail = (tail + source.read())[-_CONSOLE_SHOWN:]
    return tuple(text for line in tail.splitlines() if (text := plain(line)))


def _lines(file: Path) -> Iterator[LogLine]:
    opened = _open(file)
    if opened is None:
        return
    with opened as source:
        while raw := source.readline(_LINE_LIMIT):
            line = _line(raw)
            if line:
                yield line


def _line(raw: bytes) -> LogLine | None:
    try:
        entry = json.loads(raw)
        return LogLine(
            read_time(entry["time"]),
            str(entry["unit"]),
            entry["uid"],
            str(entry["exe"]),
            entry["priority"],
            str(entry["message"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None  # cut by a full disk, or not the collector's


def _open(file: Path) -> BinaryIO | None:
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    return os.fdopen(handle, "rb")
