"""What ends in the machine without being told to comes back by itself, also when its end looked like a clean one."""

from __future__ import annotations

import time

import pytest

from stead import machine
from tests.rig.server import Server

pytestmark = pytest.mark.boot

_UNITS = (
    *("nginx", "dovecot", "postfix", "rspamd", "redis-server", "unbound"),
    *("stead-files", "stead-calendar"),
)


def _show(server: Server, unit: str) -> dict[str, str]:
    told = machine.ask(server.machine, ["systemctl", "show", unit, "--property=MainPID,ActiveState,SubState"])
    return dict(line.split("=", 1) for line in told.text.split())


@pytest.mark.parametrize("unit", _UNITS)
def test_a_service_that_ends_politely_is_started_again(live: Server, unit: str) -> None:
    before = _show(live, unit)
    assert before["ActiveState"] == "active"
    machine.ask(live.machine, ["systemctl", "kill", "--kill-whom=main", "--signal=SIGTERM", unit])
    until = time.monotonic() + 20
    while (now := _show(live, unit))["ActiveState"] != "active" or now["MainPID"] in ("0", before["MainPID"]):
        assert time.monotonic() < until, f"{unit} stays away: {now}"
        time.sleep(0.1)
