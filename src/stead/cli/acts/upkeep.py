"""Upkeep of data, pictures, records, and of what came in."""

from __future__ import annotations

from datetime import UTC, datetime

from stead import data
from stead.cli.here import Here
from stead.exchange.cut_off import finish
from stead.records import Records
from stead.services.identity import Accounts
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


def imports(here: Here) -> None:
    """Finish what imports left that were cut off, and keep what was cut off as findings."""
    now = datetime.now(UTC)
    data.require_own(here.home)
    users = [account.name for account in Accounts(here.home.data, here.settings.name).list()]
    found = list(finish(here.home, users, now))
    with Records(here.home.records) as records:
        records.set_findings("imports", found, now)


def tidy(here: Here) -> None:
    """Drop old records."""
    with Records(here.home.records) as records:
        records.prune(datetime.now(UTC))
