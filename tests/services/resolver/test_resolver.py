"""The resolver answers, refuses fast where there is nobody to ask, and is reached from inside alone."""

from __future__ import annotations

from stead import machine
from stead.services.resolver import SERVICE
from stead.words.declaration import ConfigContext
from tests.rig.server import Server


def _context(*, rehearsal: bool = False, resolvers: tuple[str, ...] = ()) -> ConfigContext:
    return ConfigContext(
        domain="example.org",
        hostname="mail.example.org",
        public=True,
        rehearsal=rehearsal,
        outside="198.18.0.1",
        sink_port=2525,
        resolvers=resolvers,
        relay=None,
        accounts=(),
        owner=None,
    )


def _configuration(context: ConfigContext) -> str:
    return SERVICE.config_files(context)[0].content.decode()


def test_forwards_only_when_told_to() -> None:
    assert "forward-zone" not in _configuration(_context())
    forwarding = _configuration(_context(resolvers=("192.0.2.1", "2001:db8::1")))
    assert "forward-addr: 192.0.2.1" in forwarding
    assert "forward-addr: 2001:db8::1" in forwarding


def test_a_rehearsal_is_refused_at_once() -> None:
    sealed = _configuration(_context(rehearsal=True))
    assert 'local-zone: "." always_refuse' in sealed
    assert "forward-zone" not in sealed


def test_it_runs_and_listens_on_loopback_alone(live: Server) -> None:
    assert machine.ask(live.machine, ["systemctl", "is-active", "unbound"]).text.strip() == "active"
    listening = machine.ask(live.machine, ["ss", "-lnuH", "sport = :53"]).text.split()
    assert [word for word in listening if word.endswith(":53")] == ["127.0.0.1:53"]
    assert machine.ask(live.machine, ["getent", "hosts", "localhost"]).code == 0
