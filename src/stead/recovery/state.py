"""How far a recovery got, so that running the command again goes on. Nothing secret is in it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from stead.words.errors import UsageError
from stead.words.home import Home
from stead.words.kit import Kit


@dataclass(frozen=True)
class State:
    """``switched``: the data that came back is the live data; until then it is a half-made thing beside it."""

    kit: str
    place: str | None = None
    snapshot: str | None = None
    switched: bool = False


def begin(home: Home, kit: Kit) -> State:
    """The state of the recovery with this kit, made if there is none.

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
    return save(home, State(kit.id))


def load(home: Home) -> State | None:
    """The recovery under way here, if there is one."""
    try:
        return State(**json.loads(_file(home).read_text()))
    except FileNotFoundError:
        return None


def save(home: Home, state: State, **changes: str | bool) -> State:
    """Keep the state with ``changes``, whole or not at all; the new one."""
    after = replace(state, **changes)  # type: ignore[arg-type]
    file = _file(home)
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.new")
    with draft.open("w") as out:
        json.dump(asdict(after), out)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
    return after


def end(home: Home) -> None:
    """The recovery is done."""
    _file(home).unlink(missing_ok=True)


def _file(home: Home) -> Path:
    return home.lib / "recovery.json"
