"""Comparing what was saved with what came back."""

from __future__ import annotations

from stead.rehearsal.inventory import differences, from_json, to_json, vanished
from stead.words.declaration import Inventory

SAVED = {
    "mail": Inventory({"messages": 12}, {"alice/INBOX": 10, "bob/INBOX": 2}),
    "calendar": Inventory({"entries": 3}, {"alice/default": 3}),
}


def test_equal_inventories_differ_in_nothing_and_survive_their_journey() -> None:
    assert differences(SAVED, from_json(to_json(SAVED))) == []
    assert vanished(SAVED, SAVED) == []


def test_a_missing_calendar_is_named_first_and_a_wrong_count_with_both_numbers() -> None:
    found = {"mail": Inventory({"messages": 11}, {"alice/INBOX": 9, "bob/INBOX": 2}), "calendar": Inventory({}, {})}
    lines = differences(SAVED, found)
    assert lines[0] == "calendar: alice/default is missing (it held 3)"
    assert "mail: alice/INBOX holds 9 instead of 10" in lines


def test_a_user_whose_things_are_all_gone_is_told_but_a_tidied_folder_is_not() -> None:
    tidied = {**SAVED, "mail": Inventory({}, {"alice/INBOX": 1, "bob/INBOX": 2})}
    assert vanished(SAVED, tidied) == []
    emptied = {**SAVED, "mail": Inventory({}, {"alice/INBOX": 0, "bob/INBOX": 2})}
    assert vanished(SAVED, emptied) == ["mail: everything of alice is gone (it held 10 in the backup before)"]
