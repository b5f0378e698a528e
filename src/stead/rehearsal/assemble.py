"""Bring a machine up: release, data and settings become one plan, the plan a booted machine with a target to probe.

The one way to do it, for the live machine and for every rehearsal alike.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

from stead import machine, services
from stead.services.identity import WATCH, Accounts
from stead.services.tls import trusted
from stead.settings import Settings, relay
from stead.words.declaration import ConfigContext
from stead.words.home import Home
from stead.words.machine import Machine, MachinePlan, NetworkKind
from stead.words.probe import Target
from stead.words.progress import Progress

#: Port on our end of a machine's link where the send probe's sink listens.
SINK_PORT = 2525


def watch_password(home: Home) -> str:
    """The watch account's password, made on first use; it stays on the host (``watch-password``, 0600)."""
    file = home.secrets / "watch-password"
    if not file.exists():
        home.secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = file.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(24))
        draft.rename(file)
    return file.read_text()


def plan(
    home: Home,
    settings: Settings,
    *,
    name: str,
    tree: Path,
    data: Path,
    network: NetworkKind,
    port_shift: int = 0,
) -> MachinePlan:
    """The plan of one machine on the data tree ``data`` (host path) and the release tree ``tree``."""
    context = replace(_context(home, settings, name, data, network), port_shift=port_shift)
    return MachinePlan(
        home=home,
        name=name,
        tree=tree,
        config=services.render(context),
        binds=services.binds(data),
        network=network,
        ports=services.all_ports(),
        egress=services.all_egress(),
        uids=services.uids(),
        gids=services.gids(),
        sink_port=SINK_PORT,
        port_shift=port_shift,
    )


def _context(home: Home, settings: Settings, name: str, data: Path, network: NetworkKind) -> ConfigContext:
    accounts = Accounts(data, settings.name).list()
    sealed = network is NetworkKind.SEALED
    return ConfigContext(
        domain=settings.name,
        hostname=settings.hostname,
        public=settings.public,
        rehearsal=sealed,
        outside=machine.outside_address(home, name, network),
        sink_port=SINK_PORT,
        resolvers=() if sealed else host_resolvers(),
        relay=None if sealed else relay(settings),
        accounts=tuple(account.name for account in accounts),
        owner=next((account.name for account in accounts if account.owner), None),
        acme_email=settings.acme.email,
        acme_directory=settings.acme.directory,
        limits={"message_mb": settings.mail.max_message_mb, "quota_gb": settings.mail.quota_gb},
    )


def host_resolvers(file: Path = Path("/etc/resolv.conf")) -> tuple[str, ...]:
    """Name servers the machine may ask: the host's own, without those on its loopback (unreachable from inside)."""
    for source in (Path("/run/systemd/resolve/resolv.conf"), file):
        if not source.exists():
            continue
        words = [line.split() for line in source.read_text().splitlines() if line.startswith("nameserver")]
        found = tuple(w[1] for w in words if len(w) > 1 and not w[1].startswith(("127.", "::1", "fe80")))
        if found:
            return found
    return ()


def target(home: Home, settings: Settings, running: Machine) -> Target:
    """The running machine as its users see it, with the watch account to try it."""
    return Target(
        endpoints=running.endpoints,
        domain=settings.name,
        hostname=settings.hostname,
        ca_pem=trusted(home, public=settings.public),
        account=WATCH,
        password=watch_password(home),
        outside=running.outside,
        sink_port=SINK_PORT,
    )


def bring_up(home: Home, settings: Settings, wanted: MachinePlan, progress: Progress) -> tuple[Machine, Target]:
    """Boot the plan; the machine and the target to probe. SteadError with the machine's last words when it fails."""
    running = machine.start(wanted, progress)
    return running, target(home, settings, running)
