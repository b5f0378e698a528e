"""What every restore begins with: the catalogue of this moment, the copies there are, who may be meant, and when."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from stead.backup import Place
from stead.rehearsal.known import places as places_of
from stead.rehearsal.known import restic_program
from stead.restore.catalogue import catalogue, note, set_note, tidy
from stead.restore.glimpses import Present
from stead.restore.learning import learn
from stead.restore.older import learn_older
from stead.restore.paths import SHARED, SITE
from stead.restore.search import Candidate, Wanted, find, of_time
from stead.restore.sources import Source, Troubles, say, sources, span
from stead.services.identity import Accounts
from stead.settings import Settings
from stead.words.errors import SteadError, UsageError
from stead.words.home import Home
from stead.words.progress import Progress
from stead.words.quantities import parse_duration

_NAME = re.compile(r"[a-z][a-z0-9._-]*")
#: Seconds between two looks for what no copy holds any more.
_TIDY_EVERY = 86400.0
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass
class Desk:
    """One restore's surroundings. ``sources`` are all copies; ``chosen`` those that the owner's words allow."""

    home: Home
    progress: Progress
    program: Path
    places: Sequence[Place]
    base: sqlite3.Connection
    as_of: float | None
    snapshot: str | None
    sources: Sequence[Source] = ()
    chosen: Sequence[Source] = ()
    troubles: Troubles = field(default_factory=Troubles)

    def look(self) -> None:
        """Take in which copies there are."""
        self.sources = sources(self.home, self.places, self.base)
        self.chosen = of_time(self.sources, self.as_of, self.snapshot)

    def copies(self) -> Sequence[Source]:
        """The copies for things as they were at one moment: all chosen ones, or with a time the newest of them."""
        newest = max((one.moment for one in self.chosen), default=0.0)
        return [one for one in self.chosen if self.as_of is None or one.moment == newest]

    def find(self, wanted: Wanted) -> list[Candidate]:
        """The candidates; SteadError that says how far back was looked when there are none."""
        present = Present(self.home.data, wanted.owner, wanted.kind)
        present.strangers(self.base, wanted.owner, datetime.now().timestamp())
        found = find(self.base, wanted, self.chosen, present)
        if not found and self.learn_older():
            found = find(self.base, wanted, self.chosen, present)
        if not found:
            words = "nothing is missing" if wanted.anything else "nothing like that was found"
            raise SteadError(f"{words}; {self.reach()}", hint="fewer words, or the beginnings of words, find more")
        return found

    def reach(self) -> str:
        """How far back was looked, and what could not be asked, in words."""
        away = f"; not asked: {'; '.join(self.troubles.words)}" if self.troubles.words else ""
        return f"looked through {span(self.chosen)}{away}"

    def learn_older(self) -> int:
        """Look into backups that the catalogue has not seen: slow, so only when it is needed. How much is new."""
        count = learn_older(
            self.home, self.base, self.program, self.sources, self.places,
            troubles=self.troubles, progress=self.progress,
        )  # fmt: skip
        self.look()
        return count


@contextmanager
def desk(
    home: Home, settings: Settings, progress: Progress, *, as_of: str | None = None, snapshot: str | None = None
) -> Iterator[Desk]:
    """Everything that a restore needs, with the catalogue of this moment."""
    if not (home.data / "identity").is_dir():
        raise SteadError("the server's data is not there", hint="start the server: stead up")
    places = places_of(home, settings)
    learn(home, [place.name for place in places], progress)
    then = moment(as_of) if as_of else None
    with catalogue(home) as base:
        table = Desk(home, progress, restic_program(home), places, base, then, snapshot)
        table.look()
        if not table.chosen:
            table.learn_older()
        _require_copies(table)
        yield table


def _require_copies(table: Desk) -> None:
    if table.chosen:
        return
    if table.snapshot is not None:
        raise UsageError(f"there is no backup {table.snapshot}", hint="stead backup list shows them")
    oldest = min((one.at for one in table.sources), default=None)
    if oldest is None:
        raise SteadError("there is no picture and no backup yet", hint="stead backup run makes one")
    raise UsageError(f"there is no copy as old as that: the oldest copy is of {say(oldest)}", hint="give a later time")


def require_owner(home: Home, settings: Settings, name: str, *, common: bool = False) -> str:
    """``name`` if something of it can be there; UsageError with the names that there are otherwise."""
    accounts = [account.name for account in Accounts(home.data, settings.name).list()]
    known = [*accounts, *((SHARED, SITE) if common else ())]
    # A closed account's things are kept, and may be looked for, too.
    kept = (
        [home.data / "mail/home" / name, home.data / "files/home" / name] if re.fullmatch(r"[a-z0-9._-]+", name) else []
    )
    if name not in known and not any(path.is_dir() for path in kept):
        raise UsageError(f"there is no user {name}", hint=f"known: {', '.join(known) or 'nobody yet'}")
    return name


def moment(text: str, *, end: bool = True, now: datetime | None = None) -> float:
    """When ``text`` is, in seconds since 1970: a day (its ``end``, or its beginning), a time, or so long ago (3d).

    Times without an offset are of this computer's clock. UsageError when it is none of these.
    """
    here = (now or datetime.now()).astimezone()
    words = text.strip().lower()
    days = {"today": 0, "yesterday": 1}.get(words)
    if days is not None:
        words = (here - timedelta(days=days)).date().isoformat()
    try:
        if _DAY.fullmatch(words):
            day = datetime.fromisoformat(words)
            return (day + timedelta(days=1 if end else 0)).astimezone().timestamp() - (0.001 if end else 0)
        if re.fullmatch(r"[\d.]+\s*[smhdw]", words):
            ago = here - timedelta(seconds=parse_duration(words))
            return ago.timestamp()
        return datetime.fromisoformat(text.strip()).astimezone().timestamp()
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no time", hint='yesterday, 2026-11-01, "2026-11-01 10:15", or 3d for three days ago'
        ) from None


def keep_learning(home: Home, settings: Settings, progress: Progress) -> None:
    """After a backup: let the catalogue know what is in it. It is a help for searching: no backup fails for it."""
    try:
        places = places_of(home, settings)
        learn(home, [place.name for place in places], progress)
        with catalogue(home) as base:
            now = time.time()
            if now - float(note(base, "tidied") or 0) > _TIDY_EVERY:
                tidy(base, (one.moment for one in sources(home, places, base)))
                set_note(base, "tidied", now)
    except (SteadError, OSError, sqlite3.Error) as trouble:
        progress.say(f"the catalogue for stead restore could not be brought up to date: {trouble}")
