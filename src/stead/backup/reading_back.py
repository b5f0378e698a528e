"""Reading a place back, slice by slice: every byte fetched cold and compared with the name it was stored under.

Backups go on beside it: a pack is never changed, so what is read of it is right or wrong whoever else is there; only a
pruner waits. What restic says about the *structure* may be a backup's just beginning, so that is asked again alone.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from stead.backup import slices
from stead.backup.known import load_known
from stead.backup.locks import reading, writing
from stead.backup.opening import open_place
from stead.backup.place import Place
from stead.backup.restic import Checked, Restic, check, checked
from stead.backup.slices import Damage, Reading, Slice
from stead.backup.troubles import PlaceDamaged, PlaceUnreachable
from stead.backup.work import end
from stead.run import start
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.quantities import say_time
from stead.words.verdict import Verdict, verdict_of

#: Seconds without a byte after which the place counts as gone.
_STALLED_AFTER = 600.0
_LOOK_EVERY = 0.1
_LONGEST = 24 * 3600.0


@dataclass(frozen=True)
class ReadBack:
    """What reading one slice came to. ``size`` are bytes that came from the place; ``damage`` is new or still there."""

    place: str
    verdict: Verdict
    slice: str
    size: int
    seconds: float
    damage: tuple[str, ...] = ()
    reason: str | None = None


def read_back(
    home: Home,
    place: Place,
    program: Path,
    within: float,
    now: datetime,
    *,
    whole: bool = False,
    budget: int | None = None,
) -> tuple[ReadBack, ...]:
    """Read the slice whose turn it is (some more, if days were missed), and one in which damage is known, again;
    ``whole``: everything.

    A slice that could not be read is ``unproven`` and comes again in its turn; nothing is raised for it. ``budget`` is
    how many bytes may still be read (None: any number); one slice is taken to be as big as the one before.
    """
    of = 1 if whole else slices.parts(within)
    state = _state(home, place, now)
    if budget is not None and budget <= state.size:
        by = say_time(slices.finished_by(state, within, now))
        reason = f"the place may not be read more for now; all will have been read by {by} at the earliest"
        slices.save_reading(home, place.name, replace(state, trouble=reason))
        return (ReadBack(place.name, Verdict.UNPROVEN, str(slices.choose(state, of)), 0, 0.0, reason=reason),)
    turns = [] if whole else list(filter(None, [slices.damaged(state, of)]))
    for _turn in range(1 if whole else slices.turns(state, within, now)):
        one = slices.choose(state, of)
        state = slices.tried(state, one, now, None)
        turns += [one] if one not in turns else []
    done = []
    for one in turns:
        done.append(_one(home, place, program, one, now))
        if done[-1].verdict is not Verdict.PASS and not done[-1].damage:
            # It does not answer, or refuses: the rest would fare no better.
            break
    return tuple(done)


def _one(home: Home, place: Place, program: Path, one: Slice, now: datetime) -> ReadBack:
    began, state = time.monotonic(), _state(home, place, now)
    restic = Restic(program, place)
    try:
        with reading(home, place):
            open_place(home, restic)
            state = _state(home, place, now)
            found, size = _read(restic, one)
        wrong = _proven(home, restic, one, found)
    except PlaceDamaged as trouble:
        wrong, size = (Damage(one.first_bytes[0], trouble.message),), 0
    except SteadError as trouble:
        slices.save_reading(home, place.name, slices.tried(state, one, now, trouble.message))
        verdict = verdict_of(trouble)
        return ReadBack(place.name, verdict, str(one), 0, time.monotonic() - began, reason=trouble.message)
    seconds = time.monotonic() - began
    slices.save_reading(home, place.name, slices.done(state, one, now, wrong, size=size, seconds=seconds))
    verdict = Verdict.FAIL if wrong else Verdict.PASS
    words = tuple(damage.what for damage in wrong)
    return ReadBack(place.name, verdict, str(one), size, seconds, words, "; ".join(words[:3]) or None)


def _state(home: Home, place: Place, now: datetime) -> Reading:
    """What is known; another repository than the one that was read begins anew."""
    repository = load_known(home, place.name).repository or ""
    state = slices.load_reading(home, place.name)
    return state if state is not None and state.repository == repository else Reading(repository, now)


def _proven(home: Home, restic: Restic, one: Slice, found: Checked) -> tuple[Damage, ...]:
    """What is damaged beyond doubt: packs by their names; anything else only if it is so with no writer beside us."""
    packs = tuple(Damage(int(pack[:2], 16), _words(pack, found.problems)) for pack in found.packs)
    if packs or not found.problems:
        return packs
    with writing(home, restic.place):
        again = check(restic, timeout=_LONGEST)
    return tuple(Damage(one.first_bytes[0], problem) for problem in again.problems)


def _words(pack: str, problems: Iterable[str]) -> str:
    """In the owner's words; what restic said of the pack is numbers of its parts."""
    said = " ".join(line for line in problems if pack in line)
    if "does not exist" in said or "no such file" in said:
        return f"pack {pack} is gone"
    if "file size" in said or "too short" in said:
        return f"pack {pack} has not the size it had"
    return f"pack {pack} is damaged: its content is not what was stored"


def _read(restic: Restic, one: Slice) -> tuple[Checked, int]:
    """Run restic over one slice; its findings, and the bytes that it read."""
    line = restic.guarded(restic.words("check", "--read-data-subset", str(one)))
    with tempfile.TemporaryFile() as err:
        child = start(line, stderr=err, env=restic.env())
        read, moved = 0, time.monotonic()
        try:
            while not _has_ended(child.pid):
                if (now_read := _bytes_read(child.pid)) > read:
                    read, moved = now_read, time.monotonic()
                if time.monotonic() - moved > _STALLED_AFTER:
                    raise PlaceUnreachable(
                        f"nothing came from the place {restic.place.name} for {_STALLED_AFTER:.0f} s",
                        hint="is it switched on and connected?",
                    )
                time.sleep(_LOOK_EVERY)
            read = max(read, _bytes_read(child.pid))
        except BaseException:
            end(child)
            raise
        code = child.wait()
        err.seek(0)
        return checked(restic, code, err.read(4 << 20).decode(errors="replace")), read


def _has_ended(pid: int) -> bool:
    """Whether a child has ended; it stays to be asked what it read."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _bytes_read(pid: int) -> int:
    """Everything a program read so far, from files and from the network (``proc_pid_io(5)``)."""
    try:
        text = Path(f"/proc/{pid}/io").read_text()
        return int(text.split("rchar:", 1)[1].split()[0])
    except (OSError, IndexError, ValueError):
        return 0
