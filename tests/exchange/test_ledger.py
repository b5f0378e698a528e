"""What a killed run left pending, also one of an earlier program."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from stead.exchange.items import Item, Kind
from stead.exchange.ledger import Key, Ledger, key_of

ITEM = Item(Kind.MAIL, "0" * 32, "INBOX", 7, 1.0, "S", ("Work",), name="a letter", lines=1)


def keys(item: Item) -> list[Key]:
    return [key_of(item, where) for where in (item.where, *item.also)]


def test_what_is_pending_is_read_again_and_so_is_what_an_earlier_program_wrote(tmp_path: Path) -> None:
    file, other = tmp_path / "imported.db", ITEM._replace(id="1" * 32)
    with Ledger(file) as ledger:
        number = ledger.advance((), 0, [ITEM, other])
        assert ledger.pending() == ([ITEM, other], number)
    names = ("kind", "id", "where", "size", "date", "flags", "also", "elsewhere", "name", "lines")
    for old in (dict(zip(names, ITEM, strict=False)), ITEM):
        with sqlite3.connect(file) as base:
            base.execute("UPDATE pending SET item=?", (json.dumps(old),))
        with Ledger(file) as ledger:
            assert ledger.pending() == ([ITEM], number)


def test_what_was_intended_later_stays_pending(tmp_path: Path) -> None:
    later, last = ITEM._replace(id="1" * 32), ITEM._replace(id="2" * 32)
    with Ledger(tmp_path / "imported.db") as ledger:
        first = ledger.advance((), 0, [ITEM])
        second = ledger.advance((), 0, [later])
        third = ledger.advance(keys(ITEM), first, [last])
        assert ledger.pending() == ([later, last], third) and len(ledger.known([ITEM, later])) == 2
        ledger.settle([], second)
        assert ledger.pending() == ([last], third) and len(ledger.known([ITEM, later])) == 2, "INBOX and Work"
        ledger.settle(keys(last), third)
        assert ledger.pending() == ([], 0) and len(ledger.known([last])) == 2
