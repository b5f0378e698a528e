"""What a service says about itself. Release, firewall, data, backup and probes all read this and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any

from stead.words.probe import Probe, Target

#: First host uid of every machine's user namespace (65,536 ids): guest uid N is host uid GUEST_UID_BASE + N.
GUEST_UID_BASE = 524288


class Saved(StrEnum):
    """How a data folder reaches the places."""

    WHOLE = "whole"
    DATABASE = "database"
    NO = "no"


@dataclass(frozen=True)
class ServiceUser:
    """An unprivileged user inside the machine. ``uid`` is the guest's, fixed for ever; its group has the same number.

    ``groups`` are further group names (declared by some service's ``groups``).
    """

    name: str
    uid: int
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataFolder:
    """A folder in data. ``path`` is relative to the data root and is /data/``path`` in the guest.

    ``owner`` is a guest user name or ``root``; ``writable`` False: read-only in the guest, the host writes it.
    Every top-level folder (first part of the path) is one bind mount into the machine, writable if any folder in it is.
    """

    path: str
    owner: str
    mode: int = 0o700
    group: str | None = None
    saved: Saved = Saved.WHOLE
    why: str = ""
    writable: bool = True


@dataclass(frozen=True)
class Egress:
    """A guest user that may open connections to anywhere outside, and the ports it may reach."""

    user: str
    protocol: str
    ports: tuple[int, ...]


@dataclass(frozen=True)
class Port:
    """A port the machine serves. ``name`` is the endpoint's name; ``local`` its loopback port in local mode."""

    name: str
    guest: int
    local: int


@dataclass(frozen=True)
class TreeFile:
    """A file put into a release (static) or into a machine's configuration layer (rendered at boot).

    ``path`` is absolute in the guest. ``owner``/``group`` are guest names or ``root``. Exactly one of ``content`` and
    ``link`` (a symbolic link's target) is given.
    """

    path: str
    content: bytes = b""
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"
    link: str | None = None


@dataclass(frozen=True)
class Relay:
    """The owner's outgoing mail server; the password is a secret and is never logged."""

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ConfigContext:
    """What a service may know when its configuration is rendered for one boot of one machine.

    ``outside`` is the address of the host's end of the machine's link, where the send probe's sink listens
    (``sink_port``). ``rehearsal`` machines renew and send nothing. ``data`` is the data root on the host as this
    machine will see it (read-only use: key names, users); ``resolvers`` are the host's own resolvers. ``port_shift`` is
    added to every local port, as in the machine's plan.
    """

    domain: str
    hostname: str
    public: bool
    rehearsal: bool
    outside: str
    sink_port: int
    resolvers: tuple[str, ...]
    relay: Relay | None
    accounts: tuple[str, ...]
    owner: str | None
    acme_email: str | None = None
    acme_directory: str | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    port_shift: int = 0


#: One count per kind of thing, e.g. ``{"alice": {"INBOX": 12, "Junk": 0}}`` flattened to ``{"alice/INBOX": 12}``.
Counts = Mapping[str, int]


@dataclass(frozen=True)
class Inventory:
    """What one service holds in one data tree: ``totals`` (e.g. messages, bytes) and ``parts`` (e.g. per mailbox)."""

    totals: Counts
    parts: Counts


@dataclass(frozen=True)
class MarkerKind:
    """How a service keeps markers: ``write`` puts one dated ``when`` through the real protocol and removes those older
    than an hour; ``newest`` reads the newest one back through the protocol (None: there is none)."""

    write: Callable[[Target, datetime], None]
    newest: Callable[[Target], datetime | None]


@dataclass(frozen=True)
class Service:
    """One service, whole. ``words`` is one line for the owner.

    ``watched_by`` is the module that holds its ``PROBES`` and its ``MARKER`` (a :class:`MarkerKind`): it speaks the
    service's protocols, and is loaded only where they are spoken.
    """

    name: str
    words: str
    packages: tuple[str, ...] = ()
    python: tuple[str, ...] = ()
    groups: Mapping[str, int] = field(default_factory=dict)
    users: tuple[ServiceUser, ...] = ()
    folders: tuple[DataFolder, ...] = ()
    egress: tuple[Egress, ...] = ()
    ports: tuple[Port, ...] = ()
    units: tuple[str, ...] = ()
    tree_files: Callable[[], tuple[TreeFile, ...]] = tuple
    config_files: Callable[[ConfigContext], tuple[TreeFile, ...]] = lambda _context: ()
    watched_by: str | None = None
    inventory: Callable[[Path, tuple[str, ...]], Inventory] | None = None

    @property
    def probes(self) -> tuple[Probe, ...]:
        """What is tried from outside."""
        found: tuple[Probe, ...] = self._watching("PROBES", ())
        return found

    @property
    def marker(self) -> MarkerKind | None:
        """How it keeps markers; None: it keeps none."""
        found: MarkerKind | None = self._watching("MARKER", None)
        return found

    def _watching(self, name: str, nothing: Any) -> Any:
        return getattr(import_module(self.watched_by), name) if self.watched_by else nothing
