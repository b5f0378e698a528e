"""How far a recovery got, so that it goes on after any interruption. Root only: it names what opens the place."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from stead.backup import Place
from stead.words.errors import UsageError
from stead.words.home import Home
from stead.words.kit import Kit
from stead.words.quantities import say_size


@dataclass(frozen=True)
class State:
    """One recovery. ``place`` is everything of :class:`Place` as text, ``size`` and ``files`` the snapshot's own.

    ``release`` is the snapshot of the programs (None: built here). ``restored``: data is on this computer, whole, and
    not yet what the server runs on; ``moved``: it is.
    """

    kit: str
    began_at: float
    place: dict[str, str | None] | None = None
    snapshot: str | None = None
    data_at: str = ""
    files: int = 0
    size: int = 0
    release: str | None = None
    serving_after: float | None = None
    restored: bool = False
    moved: bool = False

    def place_noun(self) -> Place:
        """The place the copy is in."""
        raw = self.place or {}
        credentials = raw["credentials_file"]
        return Place(
            str(raw["name"]), str(raw["url"]), Path(str(raw["password_file"])),
            credentials_file=Path(credentials) if credentials else None,
        )  # fmt: skip


def begin(home: Home, kit: Kit, now: float) -> State:
    """The state of the recovery with this kit, made if there is none (``now``: seconds since the epoch).

    UsageError where a server lives already, or another recovery is half done: nothing of either is touched.
    """
    found = load(home)
    if found is not None and found.kit != kit.id:
        raise UsageError(
            f"a recovery with another kit ({found.kit}) is half done here",
            hint="go on with that kit; or begin anew: stead remove, then recover",
        )
    if found is not None:
        return found
    there = [path for path in (home.data_image, home.records, home.secrets, home.settings_file) if path.exists()]
    if there:
        raise UsageError(
            f"this computer has a server already: {there[0]} is there",
            hint="recover on an empty computer, or give another home with --home DIR",
        )
    home.recovering.mkdir(parents=True, mode=0o700)
    return save(home, State(kit.id, now))


def load(home: Home) -> State | None:
    """The recovery under way here, if there is one."""
    try:
        return State(**json.loads(_file(home).read_text()))
    except FileNotFoundError:
        return None


def save(home: Home, state: State, **changes: Any) -> State:
    """Keep the state with ``changes``, whole or not at all; the new one."""
    after = replace(state, **changes)
    file = _file(home)
    draft = file.with_name(f"{file.name}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        json.dump(asdict(after), out)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
    _tell(home, after)
    return after


def _tell(home: Home, state: State) -> None:
    """In words, for those who look at a host without loading all of this."""
    if state.place is None or not home.recovering.exists():
        return
    how_far = (
        "all of it is here and being put in place" if state.restored else f"{say_size(state.size)} are being brought"
    )
    (home.recovering / "told").write_text(f"the copy of {state.data_at} in {state.place['name']} ({how_far})")


def end(home: Home) -> None:
    """The recovery is done."""
    _file(home).unlink(missing_ok=True)


def _file(home: Home) -> Path:
    return home.lib / "recovery.json"
