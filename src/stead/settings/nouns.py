"""What the owner wants, frozen. Nothing here reads files or knows defaults: see ``declared`` and ``reading``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

#: Backups start after this share of the allowed loss, so that a backup's own time still fits in the goal.
_EARLY = 2 / 3
#: A number of years that means every one.
FOR_EVER = 10_000


class Medium(StrEnum):
    """What a place's copies lie on."""

    DISK = "disk"
    COMPUTER = "computer"
    CLOUD = "cloud"


@dataclass(frozen=True)
class Quiet:
    """Hours of the day without work, in minutes after local midnight; ``until`` may lie before ``since``."""

    since: int
    until: int

    def holds(self, minute: int) -> bool:
        """Whether a minute of the day is in them."""
        if self.since <= self.until:
            return self.since <= minute < self.until
        return minute >= self.since or minute < self.until


@dataclass(frozen=True)
class PlaceSetting:
    """A place for copies: a restic repository, and the file with its backend's credentials (``NAME=value`` lines).

    Limits are in bytes a second, bytes a calendar month, and money. ``append_only``: it lets nothing be deleted, so
    nobody tries to.
    """

    name: str
    url: str
    credentials_file: Path | None = None
    upload_limit: int | None = None
    download_limit: int | None = None
    bytes_a_month: int | None = None
    quiet_hours: Quiet | None = None
    append_only: bool = False
    medium: Medium | None = None
    cost_per_gb: float | None = None
    cost_a_month: float = 1.0
    prune_credentials_file: Path | None = None


@dataclass(frozen=True)
class AcmeSettings:
    """How public certificates are fetched."""

    email: str | None
    directory: str


@dataclass(frozen=True)
class Goals:
    """What the owner was promised, in seconds."""

    lose_at_most: float
    back_within: float
    prove_every: float


@dataclass(frozen=True)
class HostPort:
    """A name or address, and a TCP port."""

    host: str
    port: int


@dataclass(frozen=True)
class MailSettings:
    """Outgoing mail and its limits; ``quota_gb`` 0 means none."""

    relay: HostPort | None
    relay_user: str | None
    relay_password_file: Path | None
    max_message_mb: int
    quota_gb: int


@dataclass(frozen=True)
class DataSettings:
    """Where data lies: ``btrfs`` is a folder on the owner's own btrfs (None: a file image of ``first_size`` bytes, or,
    when that is None, of what fits the disk)."""

    btrfs: Path | None
    first_size: int | None


@dataclass(frozen=True)
class AlertSettings:
    """Who is told when something is wrong. ``feed_every`` seconds the dead man's switch is fed; ``resolver`` (None: the
    computer's own) and ``mail_port`` are for mail that goes straight to the recipient's servers."""

    urls: tuple[str, ...] = field(repr=False)
    deadman: str | None = field(repr=False)
    feed_every: float
    resolver: HostPort | None
    mail_port: int


@dataclass(frozen=True)
class KeeperSettings:
    """How often the keeper acts, in seconds."""

    backup: float
    picture: float
    marker: float
    probe: float
    read_back: float = 30 * 86400.0


@dataclass(frozen=True)
class RetentionSettings:
    """How many hours, days, weeks, months and years keep their newest backup."""

    hourly: int = 48
    daily: int = 14
    weekly: int = 8
    monthly: int = 24
    yearly: int = FOR_EVER


@dataclass(frozen=True)
class LocalSettings:
    """Local mode only: ``port_shift`` is added to every loopback port."""

    port_shift: int


@dataclass(frozen=True)
class Settings:
    """All settings of one host, read and checked. ``places`` empty: the default folder on the same disk."""

    domain: str | None
    acme: AcmeSettings
    goals: Goals
    places: tuple[PlaceSetting, ...]
    mail: MailSettings
    data: DataSettings
    alerts: AlertSettings
    keeper: KeeperSettings
    local: LocalSettings
    retention: RetentionSettings = RetentionSettings()

    @property
    def public(self) -> bool:
        """Whether the server has a public name (else: local mode, loopback only)."""
        return self.domain is not None

    @property
    def name(self) -> str:
        """The domain in use: the owner's, or ``stead.test`` in local mode."""
        return self.domain or "stead.test"

    @property
    def hostname(self) -> str:
        """The name of the machine itself, as certificates and mail clients see it."""
        return f"mail.{self.domain}" if self.domain else "stead.test"

    @property
    def backup_interval(self) -> float:
        """Seconds between backups: as set, or sooner where the goal would be missed while waiting."""
        return min(self.keeper.backup, self.goals.lose_at_most * _EARLY)
