"""What an import left that was cut off is finished by the keeper, and the owner is told that it did not end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from stead.cli.acts.upkeep import imports
from stead.cli.here import Here
from stead.exchange.aside import Aside
from stead.exchange.cut_off import finish, lock_file, take_up
from stead.exchange.helpers import Writers
from stead.exchange.importing import Wanted, bring_in
from stead.exchange.items import Item, Kind
from stead.exchange.ledger import Ledger, ledger_file
from stead.exchange.report import FOLDER, Report, newest_begun
from stead.records import Records
from stead.run import lock
from stead.words.home import Home
from stead.words.progress import Silent
from tests.exchange import looking
from tests.exchange.things import letter, mboxed
from tests.rig.server import Server

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def began(home: Home, at: datetime, user: str, *, finished: bool = False) -> Path:
    folder = home.lib / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{at:%Y-%m-%dT%H%M%S.%fZ}-{user}.jsonl"
    file.touch()
    if finished:
        file.with_suffix(".json").touch()
    return file


def test_only_an_import_without_an_end_is_told_and_not_for_ever(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    assert not list(finish(home, ["anna"], NOW)) and newest_begun(home, "anna") is None
    began(home, NOW - timedelta(days=2), "anna")
    began(home, NOW - timedelta(hours=1), "joanna", finished=True)
    (note,) = finish(home, ["anna", "joanna"], NOW)
    assert note.id == "import-cut-off:anna" and "2026-11-26T12:00:00Z" in note.what and "same stead import" in note.next
    held = lock(lock_file(home, "anna"))
    assert held is not None and not list(finish(home, ["anna"], NOW)), "it is under way"
    os.close(held)
    assert not list(finish(home, ["anna"], NOW + timedelta(days=29)))
    began(home, NOW, "anna", finished=True)
    assert not list(finish(home, ["anna"], NOW))


def test_a_report_says_when_it_began_until_it_is_finished(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    with Report.open(home, "anna") as report:
        begun = newest_begun(home, "anna")
        assert begun is not None and abs(datetime.now(UTC) - begun) < timedelta(seconds=5)
        report.finished()
    assert newest_begun(home, "anna") is None


@pytest.mark.boot
def test_after_a_power_cut_nobody_needs_to_think_of_it(
    house: Server, person: Callable[[], str], tmp_path: Path
) -> None:
    name, source = person(), tmp_path / "Inbox"
    source.write_bytes(b"".join(mboxed(letter(number)) for number in range(3)))
    box = house.home.data / "mail/home" / name / "Maildir"
    bring_in(house.home, house.settings, Wanted(name, (source,)), Silent())
    contents = [letter(number) for number in range(2)]
    # As the power left it: two messages are whole and on disk beside the empty folder, a third is half there.
    messages = {path.read_bytes(): path for path in (box / "cur").iterdir()}
    owner = box.stat()
    beside = Aside(str(box), str(box))
    for message, path in messages.items():
        shutil.move(path, beside.cur)
        if message in contents:
            beside.note([path.name])
    for made in (box / "stead-import").rglob("*"):
        os.chown(made, owner.st_uid, owner.st_gid)
    os.chown(box / "stead-import", owner.st_uid, owner.st_gid)
    ids = [sha256(content.rstrip(b"\n")).hexdigest()[:32] for content in [*contents, letter(2)]]
    with Ledger(ledger_file(house.home.data, name)) as ledger:
        ledger._base.execute("DELETE FROM seen")
        ledger.advance((), 0, [Item(Kind.MAIL, each, "INBOX", 1) for each in ids])
    for file in (house.home.lib / FOLDER).glob(f"*-{name}.json"):
        file.unlink()
    imports(Here(house.home.lib.parent))
    assert sorted(found.content for found in looking.mail(house, name)) == sorted(contents)
    assert not (box / "stead-import").exists()
    with Records(house.home.records) as records:
        assert f"import-cut-off:{name}" in {finding.id for finding in records.open_findings()}
    again = bring_in(house.home, house.settings, Wanted(name, (source,)), Silent())
    assert again.added_by.total() == 1, "the one that was only half there"
    imports(Here(house.home.lib.parent))
    with Records(house.home.records) as records:
        assert not [finding for finding in records.open_findings() if name in finding.id]


@pytest.mark.boot
@pytest.mark.timeout(60)
def test_more_may_be_pending_than_fits_into_one_order(house: Server, person: Callable[[], str], tmp_path: Path) -> None:
    name, source = person(), tmp_path / "Inbox"
    source.write_bytes(b"".join(mboxed(letter(number)) for number in range(3)))
    bring_in(house.home, house.settings, Wanted(name, (source,)), Silent())
    ids = [sha256(letter(number).rstrip(b"\n")).hexdigest()[:32] for number in range(3)]
    others = [f"{number:032x}" for number in range(10_000)]
    items = [Item(Kind.MAIL, each, "INBOX", 1, also=("Work",) if each in others else (), name="x" * 100)
             for each in (*ids[:1], *others, *ids[1:])]  # fmt: skip
    with Ledger(tmp_path / "imported.db") as ledger, Writers(house.home.data, name) as writers:
        ledger.advance((), 0, items)
        assert take_up(house.home.data, ledger, writers) == 3
        assert not ledger.pending()[0] and {key[0].hex() for key in ledger.known(items[:1] + items[-2:])} == set(ids)
