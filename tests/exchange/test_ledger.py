"""What a killed run left pending, also one of an earlier program."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from stead.exchange.items import Item, Kind
from stead.exchange.ledger import Ledger

ITEM = Item(Kind.MAIL, "0" * 32, "INBOX", 7, 1.0, "S", ("Work",), name="a letter", lines=1)


def test_what_is_pending_is_read_again_and_so_is_what_an_earlier_program_wrote(tmp_path: Path) -> None:
    file = tmp_path / "imported.db"
    with Ledger(file) as ledger:
        number = ledger.intend([ITEM])
        assert ledger.pending() == ([ITEM], number)
    names = ("kind", "id", "where", "size", "date", "flags", "also", "elsewhere", "name", "lines")
    with sqlite3.connect(file) as base:
        old = json.dumps(dict(zip(names, ITEM, strict=False)))
        base.execute("UPDATE pending SET item=?", (old,))
    with Ledger(file) as ledger:
        assert ledger.pending() == ([ITEM], number)


def test_what_was_intended_later_stays_pending(tmp_path: Path) -> None:
    later = ITEM._replace(id="1" * 32)
    with Ledger(tmp_path / "imported.db") as ledger:
        first = ledger.intend([ITEM])
        second = ledger.intend([later])
        ledger.settle([ITEM], first)
        assert ledger.pending() == ([later], second) and len(ledger.known([ITEM, later])) == 2
        ledger.settle([], second)
        assert ledger.pending() == ([], 0) and len(ledger.known([ITEM, later])) == 2, "INBOX and Work"
