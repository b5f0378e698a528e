"""Long work of restic (backup, restore): watched while it runs, given up when nothing moves any more."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from stead.backup.restic import Restic
from stead.backup.traffic import Traffic, over_limit
from stead.backup.troubles import PlaceUnreachable, error_lines, last_try, refuses
from stead.run import start
from stead.words.errors import SteadError
from stead.words.progress import Progress
from stead.words.quantities import say_size

#: Seconds without any movement after which the place counts as gone. A slow line still moves.
STALLED_AFTER = 600.0
#: Seconds without movement after which a refusal counts as one; restic itself would go on trying for 15 minutes.
REFUSED_AFTER = 45.0
#: The same for anything else that it tries again and again.
RETRIED_AFTER = 180.0
_LOOK_EVERY = 0.05
_GIVEN_UP = threading.Event()
_SAY_EVERY = 5.0


@dataclass(frozen=True)
class Ended:
    """How the work ended: exit code, restic's own summary, and each thing it complained about."""

    code: int
    summary: Mapping[str, Any]
    errors: tuple[str, ...]
    stderr: str


def work(
    restic: Restic,
    words: Sequence[str | Path],
    progress: Progress,
    *,
    binds: Mapping[Path, str] | None = None,
    lock: bool = False,
    stalled_after: float = STALLED_AFTER,
    traffic: Traffic | None = None,
    most: int | None = None,
) -> Ended:
    """Run restic to its end. Interrupts it and raises :class:`PlaceUnreachable` when nothing moves any more.

    ``traffic`` is told what it sends; more than ``most`` bytes are not sent: :class:`OverLimit`.
    """
    line = restic.guarded(restic.words(*words, lock=lock), binds)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = start(line, stdout=out, stderr=err, env=restic.env())
        watch = _Watch(out, progress)
        try:
            while child.poll() is None:
                if traffic is not None and traffic.look(child.pid) and most is not None and traffic.sent > most:
                    raise over_limit(restic.place.name)
                if _GIVEN_UP.is_set():
                    raise SteadError("it was interrupted")
                quiet = watch.quiet_for()
                if quiet > min(REFUSED_AFTER, stalled_after) and (no := refuses(restic.place.name, _text(err))):
                    raise no
                if quiet > stalled_after or (quiet > RETRIED_AFTER and last_try(_text(err))):
                    raise PlaceUnreachable(
                        f"nothing moved to or from the place {restic.place.name} for {quiet:.0f} s" + _last_words(err),
                        hint="is it switched on and connected? The next backup goes on where this one stopped",
                    )
                time.sleep(_LOOK_EVERY)
        except BaseException:
            end(child)
            raise
        watch.look()
        if traffic is not None:
            # The last moment before its end was not looked at; restic's own count is the least there was.
            traffic.sent = max(traffic.sent, int(watch.summary.get("data_added_packed", 0)))
        stderr = _text(err)
        return Ended(child.returncode, watch.summary, error_lines(stderr), stderr)


def give_up() -> None:
    """Let all work of this process end: it was interrupted, and that reaches the main thread alone."""
    _GIVEN_UP.set()


class Child(Protocol):
    """What is needed of a started program."""

    def poll(self) -> int | None:
        """Its exit code once it has ended."""
        ...

    def send_signal(self, sig: int) -> None:
        """Send it a signal."""
        ...


def end(child: Child, *, within: float = 10.0) -> None:
    """End a restic of ours: ask first, so that it takes its lock and mount away, then kill."""
    for sign, patience in ((signal.SIGINT, within), (signal.SIGKILL, 10.0)):
        if child.poll() is None:
            child.send_signal(sign)
        deadline = time.monotonic() + patience
        while child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)


class _Watch:
    """Reads restic's lines as they come: the summary is kept, movement is noted and told."""

    def __init__(self, out: IO[bytes], progress: Progress) -> None:
        self._out, self._progress = out, progress
        self._at, self._rest = 0, b""
        self._moved, self._last = time.monotonic(), (0, 0)
        self._said = time.monotonic()
        self.summary: Mapping[str, Any] = {}

    def quiet_for(self) -> float:
        self.look()
        return time.monotonic() - self._moved

    def look(self) -> None:
        while new := os.pread(self._out.fileno(), 1 << 20, self._at):
            self._at += len(new)
            *lines, self._rest = (self._rest + new).split(b"\n")
            for line in lines:
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            said = json.loads(line)
        except ValueError:
            return
        if said.get("message_type") == "summary":
            self.summary = said
        elif said.get("message_type") == "status":
            done = (
                said.get("bytes_done", said.get("bytes_restored", 0)),
                said.get("files_done", said.get("files_restored", 0)),
            )
            if done != self._last:
                self._last, self._moved = done, time.monotonic()
            if time.monotonic() - self._said > _SAY_EVERY:
                self._said = time.monotonic()
                self._progress.say(f"{said.get('percent_done', 0):.0%}: {say_size(done[0])} in {done[1]} files")


def _text(file: IO[bytes]) -> str:
    return os.pread(file.fileno(), 4 << 20, 0).decode(errors="replace")


def _last_words(err: IO[bytes]) -> str:
    lines = [line.strip() for line in _text(err).splitlines() if line.strip()]
    return f" (restic's last words: {lines[-1][:200]})" if lines else ""
