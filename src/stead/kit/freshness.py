"""Whether the kit in the owner's hands still opens everything: never asked of the owner, always known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path

from stead.records import Noted, Records
from stead.words.kit import Kit
from stead.words.quantities import say_duration
from stead.words.verdict import Finding, Severity

#: After this long the owner is asked to prove once more that the kit is where they think it is.
_AGAIN = timedelta(days=365)
_WRITTEN, _CONFIRMED = "kit", "kit-confirmed"


def fingerprint(kit: Kit) -> str:
    """A digest of what must not have changed for a kit to be good: places and what opens them, domain, keys.

    It can be kept openly: the random passwords in it cannot be guessed from it.
    """
    lasting = replace(kit, id="", made_at="", host="", program={}, settings=_wishes(kit.settings))
    return hashlib.sha256(json.dumps(asdict(lasting), sort_keys=True).encode()).hexdigest()


def note_written(records: Records, kit: Kit, file: Path, now: datetime) -> None:
    """Remember that a kit was made, without anything of its content."""
    records.note(_WRITTEN, {"id": kit.id, "fingerprint": fingerprint(kit), "file": str(file)}, now)


def note_confirmed(records: Records, kit: Kit, now: datetime) -> None:
    """Remember that the owner has shown this kit and that it opened every place."""
    records.note(_CONFIRMED, {"id": kit.id, "fingerprint": fingerprint(kit)}, now)


def judge(records: Records, kit: Kit, now: datetime) -> tuple[Finding, ...]:
    """Findings about the kit; ``kit`` is what one made now would hold."""
    return tuple(_judge(records.noted(_WRITTEN), records.noted(_CONFIRMED), fingerprint(kit), now))


def _judge(written: Noted | None, confirmed: Noted | None, wanted: str, now: datetime) -> Iterator[Finding]:
    again = "make one and keep it outside of this computer: stead kit write"
    if written is None:
        yield _finding("kit-missing", "there is no recovery kit: without it nobody can open the copies", again)
    elif written.content["fingerprint"] != wanted:
        what = "the recovery kit is out of date: places, their passwords, settings or keys have changed since"
        yield _finding("kit-stale", what, f"{again}, then throw the old one away")
    elif confirmed is None or confirmed.content["fingerprint"] != wanted:
        what = "nobody has shown yet that the recovery kit is kept and can be opened"
        yield _finding("kit-unconfirmed", what, "take the copy that you keep elsewhere, then: stead kit confirm FILE")
    elif now - confirmed.at > _AGAIN:
        what = f"the recovery kit was last seen {say_duration((now - confirmed.at).total_seconds())} ago"
        yield _finding("kit-unconfirmed", what, "see that you still have it: stead kit confirm FILE")


def _finding(key: str, what: str, next_step: str) -> Finding:
    return Finding(key, Severity.WARNING, what, "", next_step)


def _wishes(settings: str) -> str:
    """The settings without comments and empty lines: those may change."""
    lines = (line.strip() for line in settings.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))
