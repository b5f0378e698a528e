"""Bring a machine up: release, data and settings become one plan, the plan a booted machine with a target to probe.

The one way to do it, for the live machine and for every rehearsal alike.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from stead import machine, services
from stead.services.identity import WATCH, Accounts
from stead.settings import Settings
from stead.words.declaration import ConfigContext, Relay
from stead.words.home import Home
from stead.words.machine import Machine, MachinePlan, NetworkKind
from stead.words.probe import Target
from stead.words.progress import Progress

#: Port on our end of a machine's link where the send probe's sink listens.
SINK_PORT = 2525
LOCAL_DOMAIN = "stead.test"


@dataclass(frozen=True)
class Names:
    """A server's mail domain and host name."""

    domain: str
    hostname: str

    @classmethod
    def of(cls, settings: Settings) -> Names:
        """Local mode has one name for both; in public mode the host is ``mail.DOMAIN``."""
        if settings.domain is None:
            return cls(LOCAL_DOMAIN, LOCAL_DOMAIN)
        return cls(settings.domain, f"mail.{settings.domain}")


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
    context = _context(home, settings, name, data, network)
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
    names = Names.of(settings)
    accounts = Accounts(data, names.domain)
    return ConfigContext(
        domain=names.domain,
        hostname=names.hostname,
        public=settings.domain is not None,
        rehearsal=network is NetworkKind.SEALED,
        outside=machine.outside_address(home, name, network),
        sink_port=SINK_PORT,
        resolvers=() if network is NetworkKind.SEALED else host_resolvers(),
        relay=_relay(settings) if network is not NetworkKind.SEALED else None,
        accounts=tuple(account.name for account in accounts.list()),
        owner=next((account.name for account in accounts.list() if account.owner), None),
        acme_email=settings.acme_email,
        acme_directory=settings.acme_directory,
        limits={"message_mb": settings.max_message_mb, "quota_gb": settings.quota_gb},
    )


def _relay(settings: Settings) -> Relay | None:
    if settings.relay is None:
        return None
    password = settings.relay_password_file.read_text().strip() if settings.relay_password_file else None
    return Relay(settings.relay.host, settings.relay.port, settings.relay_user, password)


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
    names = Names.of(settings)
    authority = home.lib / "ca.pem"
    return Target(
        endpoints=running.endpoints,
        domain=names.domain,
        hostname=names.hostname,
        ca_pem=authority.read_text() if authority.exists() else None,
        account=WATCH,
        password=watch_password(home),
        outside=running.outside,
        sink_port=SINK_PORT,
    )


def bring_up(home: Home, settings: Settings, wanted: MachinePlan, progress: Progress) -> tuple[Machine, Target]:
    """Boot the plan; the machine and the target to probe. SteadError with the machine's last words when it fails."""
    running = machine.start(wanted, progress)
    return running, target(home, settings, running)

