"""Probes: checks made from outside a machine, through the real protocol, as a user would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from stead.words.verdict import Verdict


@dataclass(frozen=True)
class Endpoint:
    """Where a protocol is reached: an address and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Target:
    """One machine as its users see it.

    ``endpoints`` by port name (``smtp``, ``imaps``, ``https`` ...). ``hostname`` is the TLS server name to expect;
    ``ca_pem`` the authority to trust (None: the system's). ``account`` is the watch account, never an owner's.
    ``outside`` is an address of ours the machine can send mail to; the sink listens on ``sink_port``.
    """

    endpoints: Mapping[str, Endpoint]
    domain: str
    hostname: str
    ca_pem: str | None
    account: str
    password: str = field(repr=False)
    outside: str
    sink_port: int
    timeout: float = 20.0

    @property
    def address(self) -> str:
        """The watch account's mail address and login name."""
        return f"{self.account}@{self.domain}"


@dataclass(frozen=True)
class ProbeResult:
    """What one probe found: ``seconds`` it took, ``detail`` one sentence for a person."""

    name: str
    service: str
    verdict: Verdict
    seconds: float
    detail: str


@dataclass(frozen=True)
class Probe:
    """A capability and the check of it. ``check`` returns the detail of a pass, raises :class:`ProbeFailure` on a bad
    answer; any OSError or protocol error counts as fail, too. ``Unprovable`` means it could not be tried."""

    name: str
    service: str
    check: Callable[[Target], str]


class ProbeFailure(Exception):
    """The server answered, and the answer is wrong."""


class Unprovable(Exception):
    """The probe could not be tried at all."""


@dataclass(frozen=True)
class MarkerReading:
    """The newest marker of a service (None: none was found)."""

    service: str
    newest: datetime | None
    detail: str = ""
