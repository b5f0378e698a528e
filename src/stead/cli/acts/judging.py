"""Judging the host and the kit."""

from __future__ import annotations

from datetime import UTC, datetime

from stead import kit, live, machine
from stead.cli.here import Here
from stead.keeper.looking import look as look_at
from stead.keeper.noting import note_endpoints
from stead.records import Records


def look(here: Here) -> None:
    """Judge the host, so that the records know since when each finding holds."""
    if machine.find(here.home, "live") is not None:
        note_endpoints(here.home, live.endpoints(here.home, here.settings))
    look_at(here.home, here.settings)


def kit_(here: Here) -> None:
    """See whether the recovery kit in the owner's hands would still be enough."""
    now = datetime.now(UTC)
    with Records(here.home.records) as records:
        records.set_findings("kit", kit.judge(records, kit.kit_of(here.home, here.settings), now), now)
