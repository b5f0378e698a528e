"""All services together: what release, machine, firewall, data and backup read of their declarations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from stead.services import calendar, files, identity, mail, resolver, tls, web
from stead.words.declaration import ConfigContext, DataFolder, Egress, Port, Service, ServiceUser, TreeFile
from stead.words.errors import UsageError
from stead.words.machine import Bind

SERVICES: tuple[Service, ...] = (
    identity.SERVICE,
    tls.SERVICE,
    resolver.SERVICE,
    mail.SERVICE,
    calendar.SERVICE,
    files.SERVICE,
    web.SERVICE,
)

#: Users that Debian's packages would make with whatever number is free; fixed for ever, like the services' own.
SYSTEM_USERS = (
    ServiceUser("systemd-network", 600),
    ServiceUser("messagebus", 601),
    ServiceUser("systemd-resolve", 602),
    ServiceUser("systemd-timesync", 603),
)
SYSTEM_GROUPS: Mapping[str, int] = {"systemd-journal": 604, "ssl-cert": 605, "input": 606, "kvm": 607, "render": 608}


def by_name(name: str) -> Service:
    """The service called ``name``; UsageError names the ones there are."""
    for service in SERVICES:
        if service.name == name:
            return service
    raise UsageError(f"there is no service {name}", hint="services: " + ", ".join(s.name for s in SERVICES))


def all_users() -> tuple[ServiceUser, ...]:
    """Every user to be made before packages are installed."""
    return (*SYSTEM_USERS, *(user for service in SERVICES for user in service.users))


def all_ports() -> tuple[Port, ...]:
    """Every published port."""
    return tuple(port for service in SERVICES for port in service.ports)


def all_egress() -> tuple[Egress, ...]:
    """Everything that may leave a machine."""
    return tuple(egress for service in SERVICES for egress in service.egress)


def uids() -> Mapping[str, int]:
    """Guest uid by user name."""
    return {"root": 0} | {user.name: user.uid for user in all_users()}


def gids() -> Mapping[str, int]:
    """Guest gid by group name: every user's own group, and the declared ones."""
    declared = {name: gid for service in SERVICES for name, gid in service.groups.items()}
    return {"root": 0, **SYSTEM_GROUPS} | {user.name: user.uid for user in all_users()} | declared


def data_folders() -> tuple[DataFolder, ...]:
    """Every folder of data, parents before children."""
    return tuple(sorted((f for service in SERVICES for f in service.folders), key=lambda f: f.path))


def binds(data_root: Path) -> tuple[Bind, ...]:
    """How data is seen in a machine: one bind for each top-level folder, writable if any folder in it is."""
    writable: dict[str, bool] = {}
    for folder in data_folders():
        top = folder.path.partition("/")[0]
        writable[top] = writable.get(top, False) or folder.writable
    return tuple(Bind(data_root / top, f"/data/{top}", may_write) for top, may_write in writable.items())


def tree_files() -> tuple[TreeFile, ...]:
    """Every file the services put into a release."""
    return tuple(file for service in SERVICES for file in service.tree_files())


def render(context: ConfigContext) -> tuple[TreeFile, ...]:
    """Every configuration file of one boot of one machine."""
    return tuple(file for service in SERVICES for file in service.config_files(context))


def collisions(context: ConfigContext) -> tuple[str, ...]:
    """What two declarations claim at once, or name without anyone declaring it; empty when all is well."""
    users, folders = all_users(), data_folders()
    files = (*tree_files(), *render(context))
    claims: dict[str, list[object]] = {
        "service": [service.name for service in SERVICES],
        "user": [user.name for user in users],
        "id": [
            *SYSTEM_GROUPS.values(),
            *(user.uid for user in users),
            *(g for s in SERVICES for g in s.groups.values()),
        ],
        "group": [*SYSTEM_GROUPS, *(user.name for user in users), *(name for s in SERVICES for name in s.groups)],
        "port name": [port.name for port in all_ports()],
        "port": [port.guest for port in all_ports()],
        "local port": [port.local for port in all_ports()],
        "data folder": [folder.path for folder in folders],
        "file": [file.path for file in files],
        "probe": [probe.name for service in SERVICES for probe in service.probes],
    }
    twice = [
        f"{kind} {claim} is declared twice"
        for kind, all_claims in claims.items()
        for claim, count in Counter(all_claims).items()
        if count > 1
    ]
    return (*twice, *_strangers(users, folders, files))


def _strangers(
    users: tuple[ServiceUser, ...], folders: tuple[DataFolder, ...], files: tuple[TreeFile, ...]
) -> Iterator[str]:
    known_users, known_groups = uids(), gids()
    named = [
        *((f"data folder {folder.path}", folder.owner, folder.group) for folder in folders),
        *((f"file {file.path}", file.owner, file.group) for file in files),
        *((f"egress {egress.ports}", egress.user, None) for egress in all_egress()),
        *((f"user {user.name}", user.name, group) for user in users for group in user.groups),
    ]
    for what, owner, group in named:
        if owner not in known_users:
            yield f"{what}: nobody declares the user {owner}"
        if group is not None and group not in known_groups:
            yield f"{what}: nobody declares the group {group}"
