"""A batch counts as come over when its names are on disk, which is when the next one is; and none is taken twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stead.exchange import batch
from stead.exchange.batch import Batch
from stead.exchange.cut_off import take_up
from stead.exchange.helpers import Writers
from stead.exchange.items import Item, Kind
from stead.exchange.ledger import Ledger
from stead.exchange.report import Report
from tests.exchange.things import letter
from tests.rig.server import Server


@pytest.fixture
def reader(tmp_path: Path) -> Any:
    """A file with three messages, and what is known of each: its place in the file."""
    file, items = tmp_path / "messages", []
    with file.open("wb") as out:
        for number in range(3):
            content = letter(number)
            identity = sha256(content).hexdigest()[:32]
            items.append(Item(Kind.MAIL, identity, "INBOX", len(content), 1.0 + number, at=out.tell()))
            out.write(content)
    handle = os.open(file, os.O_RDONLY)
    yield SimpleNamespace(file=handle, number=1, items=items)
    os.close(handle)


def test_each_is_settled_when_the_next_one_is_on_disk(
    house: Server, person: Callable[[], str], tmp_path: Path, reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_MOST_ITEMS", 1)
    name = person()
    first, second, third = reader.items
    with (
        Ledger(tmp_path / "imported.db") as ledger,
        Report.open(house.home, name) as report,
        Writers(house.home.data, name) as writers,
    ):
        under_test = Batch(house.home.data, ledger, writers, report)

        def pending() -> list[Item]:
            return ledger.pending()[0]

        def take(item: Item) -> None:
            assert under_test.take([item]) == [item]
            under_test.add([item], reader)
            passed_on = reader.items[: reader.items.index(item) + 1]
            assert under_test.take(passed_on) == [None] * len(passed_on), "nothing on its way is taken twice"

        take(first)
        assert pending() == [first]
        take(second)
        assert pending() == [first, second] and not ledger.known([first])
        take(third)
        assert pending() == [second, third] and len(ledger.known([first])) == 1
        under_test.flush()
        assert not pending() and len(ledger.known(reader.items)) == 3
    assert report.added_by.total() == 3
    box = house.home.data / "mail/home" / name / "Maildir/cur"
    assert sorted(p.read_bytes() for p in box.iterdir()) == sorted(letter(n) for n in range(3))


def test_what_did_not_come_over_is_asked_for_again_and_all_else_is_settled(
    house: Server, person: Callable[[], str], tmp_path: Path, reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_MOST_ITEMS", 1)
    name = person()
    first, second, third = reader.items
    beyond = second._replace(at=1 << 30)
    with (
        Ledger(tmp_path / "imported.db") as ledger,
        Report.open(house.home, name) as report,
        Writers(house.home.data, name) as writers,
    ):
        under_test = Batch(house.home.data, ledger, writers, report)
        for item in (beyond, first, third):
            if item is third:
                # It is still being taken when all is to be shown.
                monkeypatch.setattr(batch, "_MOST_ITEMS", 9)
            under_test.take([item])
            under_test.add([item], reader)
        under_test.flush()
        assert not ledger.pending()[0] and report.missing == 1 and report.added_by.total() == 2
        assert under_test.take(reader.items) == [None, second, None]


def test_what_fills_an_empty_folder_is_seen_at_the_end_or_after_a_while(
    house: Server, person: Callable[[], str], tmp_path: Path, reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_MOST_ITEMS", 1)
    name = person()
    box = house.home.data / "mail/home" / name / "Maildir"
    with (
        Ledger(tmp_path / "imported.db") as ledger,
        Report.open(house.home, name) as report,
        Writers(house.home.data, name) as writers,
    ):
        under_test = Batch(house.home.data, ledger, writers, report)
        for item in reader.items[:2]:
            under_test.take([item])
            under_test.add([item], reader)
        assert not list((box / "cur").iterdir()) and (box / "stead-import").exists()
        monkeypatch.setattr(batch, "_END_AFTER", 0)
        under_test.take(reader.items[2:])
        under_test.add(reader.items[2:], reader)
        assert len(list((box / "cur").iterdir())) == 3 and not (box / "stead-import").exists()
        assert not ledger.pending()[0]


def test_the_writer_ends_what_a_broker_began_that_was_killed(
    house: Server, person: Callable[[], str], tmp_path: Path, reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_MOST_ITEMS", 2)
    name = person()
    with Ledger(tmp_path / "imported.db") as ledger, Report.open(house.home, name) as report:
        with Writers(house.home.data, name) as writers:
            killed = Batch(house.home.data, ledger, writers, report)
            for item in reader.items:
                killed.take([item])
                killed.add([item], reader)
        # Two were shown, the third only passed on: it comes with the next run.
        box = house.home.data / "mail/home" / name / "Maildir"
        assert len(list((box / "cur").iterdir())) == 2 and not (box / "stead-import").exists()
        with Writers(house.home.data, name) as writers:
            assert take_up(house.home.data, ledger, writers) == 2
            under_test = Batch(house.home.data, ledger, writers, report)
            assert under_test.take(reader.items) == [None, None, reader.items[2]]
