"""The probes pass quickly on a live server, leave nothing, and markers tell their time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from stead.probes import dav
from stead.probes.http import connected
from stead.services.calendar import SERVICE as CALENDAR
from stead.services.files import SERVICE as FILES
from stead.words.declaration import Service
from stead.words.probe import Target
from tests.rig.server import PASSWORD, Server


@pytest.fixture
def target(live: Server) -> Target:
    """Seen as bob, whose things a test may touch."""
    return Target(
        endpoints=live.machine.endpoints,
        domain=live.domain,
        hostname=live.settings.hostname,
        ca_pem=live.ca.read_text(),
        account="bob",
        password=PASSWORD,
        outside="",
        sink_port=0,
    )


FOLDERS = {"files": "/files/bob/", "calendar": "/calendar/bob/calendar/"}


@pytest.mark.parametrize("service", [FILES, CALENDAR], ids=lambda s: s.name)
def test_probes_pass_and_leave_nothing(target: Target, service: Service) -> None:
    for probe in service.probes:
        probe.check(target)
        began = time.monotonic()
        assert probe.check(target)
        assert time.monotonic() - began < 5, probe.name
    with connected(target) as client:
        assert not [name for name in dav.names(client, FOLDERS[service.name]) if name.startswith("probe-")]


@pytest.mark.parametrize("service", [FILES, CALENDAR], ids=lambda s: s.name)
def test_the_newest_marker_is_found_and_old_ones_go(target: Target, service: Service) -> None:
    assert service.marker is not None
    now = datetime.now(UTC).replace(microsecond=0)
    service.marker.write(target, now - timedelta(hours=2))
    service.marker.write(target, now - timedelta(minutes=1))
    service.marker.write(target, now)
    assert service.marker.newest(target) == now
    with connected(target) as client:
        kept = [name for name in dav.names(client, FOLDERS[service.name]) if name.startswith("marker-")]
        assert len(kept) == 2
        for name in kept:
            client.expect((200, 204), "DELETE", dav.path(FOLDERS[service.name], name))
    assert service.marker.newest(target) is None
