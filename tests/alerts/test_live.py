"""The mail service of a real server is broken, and the alarm comes by mail all the same: it never used that service."""

from __future__ import annotations

import json
import time

import pytest

from stead import machine
from stead.keeper import ensure_running, stop
from tests.alerts import far
from tests.cli.test_cli import stead
from tests.rig.server import Server


@pytest.mark.waits
@pytest.mark.timeout(600)
def test_the_mail_service_is_broken(fresh_live: Server) -> None:
    """Nobody asks: the keeper probes, looks and tells."""
    home, port = fresh_live.home, far.free_port("127.0.0.1")
    with far.names({("friend.example", "A"): ["127.0.0.1"]}) as dns, far.mail_server("127.0.0.1", port) as friend:
        more = f'urls = ["mailto:me@friend.example"]\nresolver = "127.0.0.1:{dns}"\nmail_port = {port}\n'
        settings = f'{home.settings_file.read_text()}\n[keeper]\nprobe = "30s"\n[alerts]\n{more}'
        home.settings_file.write_text(settings)
        assert stead(home.lib.parent, "alerts", "test").code == 0 and len(friend.got) == 1
        for unit in ("postfix", "dovecot"):
            assert machine.ask(fresh_live.machine, ["systemctl", "stop", unit]).code == 0
        ensure_running(home)
        try:
            began = time.monotonic()
            while not any("mail: " in mail.get_content() for mail in friend.got):
                assert time.monotonic() - began < 280, [mail["Subject"] for mail in friend.got]
                time.sleep(0.5)
        finally:
            stop(home)
        print(f"from the failure to the alarm: {time.monotonic() - began:.0f} s")
        listed = json.loads(stead(home.lib.parent, "alerts", "--json").out)
        assert any(one["id"].startswith("probe-failing:mail/") for one in listed["alarms"])
