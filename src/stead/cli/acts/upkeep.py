"""Upkeep of data, pictures and records."""

from __future__ import annotations

from datetime import UTC, datetime

from stead import data
from stead.cli.here import Here
from stead.records import Records
from stead.words.verdict import Finding


def data_(here: Here) -> None:
    """Grow data before it is full, and keep what is wrong with it as findings."""
    grown = data.grow_if_needed(here.home)
    found = [*data.check(here.home), *([grown] if isinstance(grown, Finding) else [])]
    with Records(here.home.records) as records:
        records.set_findings("data", found, datetime.now(UTC))


def picture(here: Here) -> None:
    """Take a picture of data and thin the old ones."""
    now = datetime.now(UTC)
    data.take_picture(here.home, now)
    data.thin_pictures(here.home, now)


def tidy(here: Here) -> None:
    """Drop old records."""
    with Records(here.home.records) as records:
        records.prune(datetime.now(UTC))
