"""Imports that were cut off: what one was about to show is found out, finished, and said."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from stead.exchange.batch import services
from stead.exchange.helpers import Writers
from stead.exchange.items import SERVICE, Item
from stead.exchange.ledger import Ledger, key_of, ledger_file
from stead.exchange.report import newest_begun
from stead.exchange.writing import sync_all
from stead.run import lock
from stead.words.home import Home
from stead.words.portions import portions
from stead.words.quantities import say_time
from stead.words.verdict import Finding, Severity

#: Whoever has not gone on by then does not mean to.
_SAID_FOR = timedelta(days=30)
#: Bytes of an order; a frame's head may have four times that.
_ASKED = 1 << 18


def lock_file(home: Home, user: str) -> Path:
    """Held while things come into an account."""
    return home.locks / f"exchange-{user}.lock"


def take_up(data: Path, ledger: Ledger, writers: Writers) -> int:
    """Find out what became of what was about to be shown, by its names; a writer that begins puts in its place what
    lay beside. Returns how many items are in place."""
    pending, number = ledger.pending()
    there: list[Item] = []
    for service in services(pending):
        writer = writers.of(service)
        mine = ((item, len(json.dumps(item))) for item in pending if SERVICE[item.kind] == service)
        for asked in portions(mine, _ASKED):
            writer.order({"what": "there", "items": asked})
            there += [item for item, found in zip(asked, writer.answer(), strict=True) if found]
    if pending:
        sync_all(data)
        ledger.settle((key_of(item, where) for item in there for where in (item.where, *item.also)), number)
    return len(there)


def finish(home: Home, users: Iterable[str], now: datetime) -> Iterator[Finding]:
    """Take up what imports of these accounts left that are not under way any more; a note for each that was cut off."""
    for user in users:
        held = lock(lock_file(home, user))
        if held is None:
            continue
        try:
            file = ledger_file(home.data, user)
            if file.exists():
                with Ledger(file) as ledger, Writers(home.data, user) as writers:
                    take_up(home.data, ledger, writers)
            begun = newest_begun(home, user)
        finally:
            os.close(held)
        if begun is not None and now - begun < _SAID_FOR:
            yield Finding(
                f"import-cut-off:{user}",
                Severity.NOTE,
                f"an import for {user} that began at {say_time(begun)} did not come to its end",
                "",
                "run the same stead import again: it goes on where it stopped",
            )
