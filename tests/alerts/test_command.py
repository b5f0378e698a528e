"""``stead alerts`` as the owner types it: real processes, real receivers."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from stead.alerts import Memory, tell
from stead.keeper.wanted import wishes
from stead.run import Result
from stead.words.home import Home
from tests.alerts import far
from tests.alerts.conftest import ALARM, find
from tests.cli.test_cli import stead

pytestmark = [pytest.mark.waits, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "h")


def set_up(home: Home, *urls: str) -> None:
    home.etc.mkdir(parents=True, exist_ok=True)
    home.settings_file.write_text(f"[alerts]\nurls = {json.dumps(urls)}\n")


def alerts(home: Home, *args: str) -> Result:
    return stead(home.lib.parent, "alerts", *args)


def test_without_a_way_the_test_is_unproven(home: Home) -> None:
    result = alerts(home, "test")
    assert result.code == 3 and "alerts.urls" in result.out
    assert alerts(home).code == 0 and "No way is set up" in alerts(home).out


def test_every_way_is_tried_and_told(home: Home, hook: far.Hook, other: far.Hook) -> None:
    set_up(home, hook.url, other.url)
    result = alerts(home, "test")
    assert result.code == 0 and result.out.count("sent") >= 2 and "geheimwort" not in result.out
    (code,) = re.findall(r"stead alerts ack ([A-Z2-9]{5})\b", hook.got[0]["message"])
    assert code not in result.out, "who only sees the terminal does not know the code"
    assert "has arrived" in alerts(home, "ack", code).out
    other.status = 500
    again = alerts(home, "test", "--json")
    assert again.code == 1
    assert [way["sent"] for way in json.loads(again.out)["ways"]] == [True, False]


def test_what_is_open_is_listed_and_acknowledged(home: Home, hook: far.Hook) -> None:
    set_up(home, hook.url)
    find(home, ALARM)
    tell(home, wishes(home))
    listed = alerts(home).out
    assert ALARM.what in listed and "told by json://127.0.0.1: 1 time" in listed and "not acknowledged" in listed
    assert "1 alarm open" in listed and "Dead man's switch: not set up" in listed
    raw = json.loads(alerts(home, "list", "--json").out)
    assert raw["schema"] == 1 and raw["alarms"][0]["told"]["json://127.0.0.1"]["times"] == 1
    assert raw["sent"][0]["about"] == [ALARM.id] and "geheimwort" not in json.dumps(raw)
    assert ALARM.what in alerts(home, "ack", ALARM.id).out
    assert Memory(home).load().alerts[ALARM.id].acknowledged
    assert "acknowledged 20" in alerts(home).out
    wrong = alerts(home, "ack", "nonsense")
    assert wrong.code == 2 and "no open alarm" in wrong.err


def test_the_letter_is_printed(home: Home) -> None:
    set_up(home)
    assert "What was proven about stead.test" in alerts(home, "letter").out
