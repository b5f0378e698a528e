"""Where the state is kept: in the records, and under /run for the day on which the records cannot be written.

Both copies are written each time and the newer one is read, so a full or broken disk neither silences an alarm nor
makes it come every minute.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from stead.alerts.state import State
from stead.records import BROKEN, Records
from stead.run import lock
from stead.words.errors import SteadError
from stead.words.home import Home

_WAIT = 15.0


class Memory:
    """The remembered state of one home."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.trouble: str | None = None
        self.lost = False

    def load(self) -> State:
        """The newest state that can be read; an empty one if there is none."""
        found = [state for text in self._texts() if (state := _read(text))]
        return max(found, key=lambda state: state.number, default=State())

    def change(self, step: Callable[[State], State]) -> State:
        """Apply ``step`` to the state and keep the result; nobody else changes it meanwhile.

        Afterwards ``trouble`` says why the records could not be written (None: they were); ``lost``: nothing could.
        """
        handle = self._lock()
        try:
            before = self.load()
            after = step(before)
            after = State(**{**vars(after), "number": before.number + 1})
            self._save(after)
        finally:
            if handle is not None:
                os.close(handle)
        return after

    def _texts(self) -> list[str]:
        texts = []
        for file in self._files():
            try:
                texts.append(_read_own(file))
            except (OSError, UnicodeDecodeError):
                continue
        try:
            with Records(self.home.records) as records:
                texts.append(records.alert_state() or "")
        except BROKEN:
            pass
        return texts

    def _save(self, state: State) -> None:
        text = json.dumps(state.to_json())
        try:
            with Records(self.home.records) as records:
                records.save_alert_state(text)
            self.trouble = None
        except BROKEN as broken:
            self.trouble = broken.message if isinstance(broken, SteadError) else str(broken)
        beside = any(_write(file, text) for file in self._files())
        self.lost = self.trouble is not None and not beside

    def _files(self) -> tuple[Path, ...]:
        """Beside the locks, else in memory alone: with ``--home`` the first may lie on the disk that is full."""
        return self.home.run / "alerts.json", Path("/dev/shm") / f"{self.home.tag}-alerts.json"

    def _lock(self) -> int | None:
        """The lock, if one can be had: without it an acknowledgement might be lost, with an alarm it must not wait."""
        try:
            return lock(self.home.locks / "alerts", wait=_WAIT)
        except OSError:
            return None


def _read(text: str) -> State | None:
    try:
        return State.from_json(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _read_own(file: Path) -> str:
    """The text of a file of ours: in a folder that all may write to, nobody else's word counts."""
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)) as content:
        if os.fstat(content.fileno()).st_uid != os.geteuid():
            raise PermissionError(f"{file} belongs to another user")
        return content.read()


def _write(file: Path, text: str) -> bool:
    new = ""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, new = tempfile.mkstemp(dir=file.parent, prefix=".alerts-")  # never through a link someone put there
        with os.fdopen(handle, "w") as out:
            out.write(text)
        os.replace(new, file)
    except OSError:
        Path(new).unlink(missing_ok=True) if new else None
        return False
    return True
