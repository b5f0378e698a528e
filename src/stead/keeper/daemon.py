"""The keeper: starts every act when it is due, as a child of its own, and keeps the server up where systemd does not.

It holds almost nothing in memory: what was intended and what came of it is in the records, so after ``kill -9`` the
next keeper goes on where this one was. Intervals are of the monotonic clock; a jump of the wall clock is recorded.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from datetime import UTC, datetime

from stead.keeper import running
from stead.keeper.children import Child, begin, forget, set_aside
from stead.keeper.clock import Clock
from stead.keeper.journal import Journal
from stead.keeper.places import place_names
from stead.keeper.resume import adopt
from stead.keeper.revival import Revival
from stead.keeper.schedule import Act, acts, due_after, first_due, next_due, to_start, vital
from stead.records import BROKEN
from stead.settings import load
from stead.words.errors import DONE, SteadError
from stead.words.home import Home

_TICK = 1.0
_SETTINGS_EVERY = 30.0
_GRACE = 20.0


class Keeper:
    """One keeper at work."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.journal = Journal(home)
        self.stopping = False
        self._bell, self._ringer = socket.socketpair()
        self._due: dict[str, float] = {}
        self._acts: tuple[Act, ...] = ()
        self._children: dict[str, Child] = {}
        self._settings_read = float("-inf")
        self._clock = Clock()
        self._revival = Revival(home, self.journal)

    def work(self) -> None:
        """Keep until told to stop."""
        self._listen()
        self.journal.try_say("the keeper begins")
        self._begin()
        while not self.stopping and not _told_to_stop(self.home):
            try:
                self._turn()
            except BROKEN as trouble:
                # A full disk or busy records must not end the one who would tell of it.
                self.journal.try_say(f"a turn failed: {trouble}")
            self._wait()
        for child in self._children.values():
            child.end(signal.SIGTERM)
        self.journal.try_say("the keeper ends, as asked")

    def _begin(self) -> None:
        """Take over the settings and what an earlier keeper left, as far as either can be read."""
        try:
            self._read_settings()
            self._children = adopt(self.home, self.journal, {act.name: act for act in self._acts})
        except BROKEN as trouble:
            self.journal.try_say(f"the records cannot be used: {trouble}")

    def _turn(self) -> None:
        now = time.monotonic()
        self._reap(now)
        self._end_overdue(now)
        self._set_aside()
        if now - self._settings_read > _SETTINGS_EVERY:
            self._read_settings()
        for act in to_start(self._acts, self._due, {n: c.act for n, c in self._children.items()}, now):
            self._start(act, now)
        if jump := self._clock.jumped():
            self.journal.clock_jumped(jump)
        self._revival.look(now)
        if not running.by_unit(self.home) and running.holder(self.home, "guard") is None:
            self._guard()

    def _guard(self) -> None:
        if not running.stop_file(self.home).exists():
            running.start_guard(self.home)

    def _start(self, act: Act, now: float) -> None:
        self._due[act.name] = next_due(act, self._due[act.name], now)
        try:
            record = self.journal.begins(act)
            self._children[act.name] = begin(self.home, act, record)
        except BROKEN as trouble:
            self.journal.try_say(f"{act.name} could not be started: {trouble}")

    def _reap(self, now: float) -> None:
        for name, child in list(self._children.items()):
            code = child.ended()
            if code is None:
                continue
            del self._children[name]
            if name in self._due:
                self._due[name] = due_after(child.act, self._due[name], code, now)
            self.journal.ended(child, code, forget(self.home, child), now - child.since)

    def _set_aside(self) -> None:
        for name, child in list(self._children.items()):
            if (self.home.long_acts / str(child.pid)).exists():
                del self._children[name]
                aside = set_aside(self.home, child)
                self._children[aside.act.name] = aside
                self.journal.say(f"{name} goes on by itself: what is left of it may take long")

    def _end_overdue(self, now: float) -> None:
        for child in self._children.values():
            over = now - child.since - child.act.deadline
            if over > _GRACE:
                child.end(signal.SIGKILL)
            elif over > 0 and not child.overdue:
                child.overdue = True
                child.end(signal.SIGTERM)

    def _read_settings(self) -> None:
        """Take over changed settings; a mistake in them changes nothing and is said."""
        now = self._settings_read = time.monotonic()
        try:
            settings = load(self.home)
        except SteadError as mistake:
            self._take_over(self._acts or vital(), now)
            self.journal.settings_mistake(mistake.message)
            return
        self._take_over(acts(settings, place_names(settings), recovering=self.home.recovering.exists()), now)
        self.journal.settings_mistake(None)

    def _take_over(self, wanted: tuple[Act, ...], now: float) -> None:
        self._acts = wanted
        for act in self._acts:
            if act.name not in self._due:
                self._due[act.name] = now + first_due(act, self._age_of(act))
            self._due[act.name] = min(self._due[act.name], now + act.interval)

    def _age_of(self, act: Act) -> float | None:
        try:
            return self.journal.age_of(act, datetime.now(UTC))
        except BROKEN:
            return None

    def _listen(self) -> None:
        self._bell.setblocking(False)
        self._ringer.setblocking(False)
        signal.set_wakeup_fd(self._ringer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def _wait(self) -> None:
        """Sleep until a signal or the next second."""
        if self.stopping:
            return
        select.select([self._bell], [], [], _TICK)
        try:
            self._bell.recv(4096)
        except BlockingIOError:
            return


def keep(home: Home) -> int:
    """Be the keeper of a home until told to stop; another one there is no error to the owner, only to a second."""
    home.run.mkdir(parents=True, exist_ok=True)
    if _told_to_stop(home):
        return DONE
    lock = running.take(home, "keeper")
    if lock is None:
        raise SteadError(f"the keeper of this home runs already (pid {running.holder(home, 'keeper')})")
    try:
        Keeper(home).work()
    finally:
        os.close(lock)
    return DONE


def _told_to_stop(home: Home) -> bool:
    """Whether there is nothing to keep: the home's folder is gone, or ``down`` came while the guard was starting us."""
    return not home.run.is_dir() or (not running.by_unit(home) and running.stop_file(home).exists())
