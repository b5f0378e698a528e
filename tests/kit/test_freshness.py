"""Findings about the kit: one while it is missing, stale or unconfirmed, none while it is good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stead.kit import judge, note_confirmed, note_written
from stead.records import Records
from stead.words.kit import Kit, KitPlace
from tests.kit.test_sealed import HIDDEN, KIT

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    with Records(tmp_path / "records.db") as opened:
        yield opened


def _found(records: Records, kit: Kit = KIT, days: float = 1) -> list[str]:
    return [finding.id for finding in judge(records, kit, NOW + timedelta(days=days))]


def test_without_a_kit_there_is_a_finding(records: Records) -> None:
    assert _found(records) == ["kit-missing"]


def test_until_it_is_confirmed_there_is_a_finding_and_then_none(records: Records) -> None:
    note_written(records, KIT, Path("kit.age"), NOW)
    assert _found(records) == ["kit-unconfirmed"]
    note_confirmed(records, KIT, NOW)
    assert _found(records) == []
    assert _found(records, days=400) == ["kit-unconfirmed"]


@pytest.mark.parametrize(
    "changed",
    [
        {"domain": "example.com"},
        {"settings": 'domain = "example.com"'},
        {"places": KIT.places[:1]},
        {"places": (replace(KIT.places[0], password="new"), KIT.places[1])},
        {"places": (*KIT.places, KitPlace("third", "/x", "y"))},
        {"secrets": {"ca.key": "bmV3"}},
        {"keys": {}},
    ],
)
def test_what_matters_makes_it_stale(records: Records, changed: dict[str, object]) -> None:
    note_written(records, KIT, Path("kit.age"), NOW)
    note_confirmed(records, KIT, NOW)
    assert _found(records, replace(KIT, **changed)) == ["kit-stale"]  # type: ignore[arg-type]


def test_what_does_not_matter_leaves_it_good(records: Records) -> None:
    note_written(records, KIT, Path("kit.age"), NOW)
    note_confirmed(records, KIT, NOW)
    same = replace(KIT, id="k-ffffffff", made_at="2027-01-01T00:00:00Z", settings="# words\n\n" + KIT.settings)
    assert _found(records, same) == []


def test_the_records_hold_nothing_secret(records: Records, tmp_path: Path) -> None:
    note_written(records, KIT, Path("kit.age"), NOW)
    note_confirmed(records, KIT, NOW)
    records.close()
    held = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"kit.age" in held and not any(word.encode() in held for word in HIDDEN)
