"""A home with alarms that go to real servers on loopback."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stead import alerts
from stead.alerts.moment import Moment
from stead.alerts.state import State
from stead.records import Records
from stead.settings import HostPort
from stead.words.home import Home
from stead.words.verdict import Finding, Severity
from tests.alerts import far

ALARM = Finding("data-full", Severity.ALARM, "the data has no room left", "", "make room: stead status")


@dataclass
class Clock:
    """A clock of the test's own: time passes when it says so, and the wall clock can be set."""

    wall: float = 1_795_000_000.0
    steady: float = 100_000.0
    boot: str = "boot-1"

    def now(self) -> Moment:
        return Moment(self.wall, self.boot, self.steady)

    def pass_(self, seconds: float) -> Moment:
        self.wall += seconds
        self.steady += seconds
        return self.now()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def place(tmp_path: Path) -> Home:
    """A home with records and nothing else."""
    return Home.at(tmp_path / "home")


@pytest.fixture
def hook() -> Iterator[far.Hook]:
    with far.hook() as taken:
        yield taken


@pytest.fixture
def other() -> Iterator[far.Hook]:
    with far.hook() as taken:
        yield taken


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server on loopback needs so that our programs trust it."""
    pem, context = far.certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    return context


def wanted(*urls: str, deadman: str | None = "https://127.0.0.1:1/x", **more: object) -> alerts.Wishes:
    """Wishes of one host with one place."""
    base = {"places": ("attic",), "lose_at_most": 900.0, "prove_every": 3600.0, "mail_port": 25}
    fields = {**base, **more}
    if isinstance(at := fields.get("resolver"), int):
        fields["resolver"] = HostPort("127.0.0.1", at)
    return alerts.Wishes("example.org", "mail.example.org", "attic-host", urls=urls, deadman=deadman, **fields)  # type: ignore[arg-type]


def find(home: Home, *found: Finding, source: str = "status") -> None:
    """Make these the open findings."""
    with Records(home.records) as records:
        records.set_findings(source, found, Moment.now().time)


def all_tested(home: Home, wishes: alerts.Wishes, now: Moment) -> State:
    """Every way was tested just now, so that no self-test goes out in between."""
    from stead.alerts import trials

    def done(state: State) -> State:
        names = [way.name for way in wishes.ways]
        state = trials.begun(state, names)
        for name in names:
            state = trials.arrived(trials.went_out(state, name, now), name)
        return state

    return alerts.Memory(home).change(done)
