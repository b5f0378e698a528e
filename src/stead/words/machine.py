"""What a machine is asked to be, and what a running one is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stead.words.declaration import Egress, Port, TreeFile
from stead.words.home import Home
from stead.words.probe import Endpoint


class NetworkKind(StrEnum):
    """Local: published on loopback only. Public: on every address of the host. Sealed: no way out at all."""

    LOCAL = "local"
    PUBLIC = "public"
    SEALED = "sealed"


@dataclass(frozen=True)
class Bind:
    """A host folder seen in the guest. Data is always nosuid, nodev and noexec."""

    host: Path
    guest: str
    writable: bool


@dataclass(frozen=True)
class MachinePlan:
    """Everything needed to boot one machine. ``name`` is ``live`` or ``r-`` and 6 hex digits.

    ``tree`` is a release's tree (owners already shifted); ``config`` the layer rendered for this boot, laid over it;
    ``uids`` maps guest user names to guest uids (for egress and file owners), ``gids`` group names.
    ``port_shift`` is added to every local port (several homes on one computer).
    """

    home: Home
    name: str
    tree: Path
    config: tuple[TreeFile, ...]
    binds: tuple[Bind, ...]
    network: NetworkKind
    ports: tuple[Port, ...]
    egress: tuple[Egress, ...]
    uids: Mapping[str, int]
    gids: Mapping[str, int]
    sink_port: int
    port_shift: int = 0


@dataclass(frozen=True)
class Machine:
    """A booted machine. ``netns`` is where its outside is (None: the host's own network): probes run there.

    ``endpoints`` are the published addresses by port name; ``outside`` the address of our end of its link;
    ``leader`` the host pid of its PID 1.
    """

    home: Home
    name: str
    endpoints: Mapping[str, Endpoint]
    outside: str
    netns: str | None
    leader: int
