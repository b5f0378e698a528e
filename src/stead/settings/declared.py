"""Every setting, declared once: reading, checking, help and the reference page all come from these tables."""

from __future__ import annotations

from dataclasses import dataclass

from stead.settings import kinds
from stead.settings.kinds import Read
from stead.settings.nouns import FOR_EVER


@dataclass(frozen=True)
class Setting:
    """One setting. ``key`` is dotted; ``default`` and ``example`` are written as in the file (None: not set)."""

    key: str
    type: str
    read: Read
    default: str | int | list[str] | None
    words: str
    example: str

    @property
    def section(self) -> str:
        """The table it stands in, empty for the top."""
        return self.key.rpartition(".")[0]

    @property
    def name(self) -> str:
        """Its key inside the section."""
        return self.key.rpartition(".")[2]


_LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"

SETTINGS: tuple[Setting, ...] = (
    Setting("domain", "domain name", kinds.domain, None,
            "Your domain. Not set: local mode, a name under .test, an authority of its own, loopback ports only.",
            '"example.org"'),
    Setting("acme.email", "mail address", kinds.email, None,
            "Where the certificate authority writes to when something is wrong.", '"me@example.net"'),
    Setting("acme.directory", "https address", kinds.https, _LETS_ENCRYPT,
            "The ACME directory public certificates come from.", f'"{_LETS_ENCRYPT}"'),
    Setting("goals.lose_at_most", "duration", kinds.duration("3m", "7d"), "15m",
            "The most data that may be lost, as time. The keeper backs up often enough for it.", '"15m"'),
    Setting("goals.back_within", "duration", kinds.duration("10s", "7d"), "5m",
            "The time within which the server must be back on an empty computer.", '"5m"'),
    Setting("goals.prove_every", "duration", kinds.duration("5m", "30d"), "1h",
            "How often a drill proves both.", '"1h"'),
    Setting("mail.relay", "host:port", kinds.host_port, None,
            "A mail server that takes outgoing mail; needed where port 25 is closed, as in many homes.",
            '"smtp.example.net:587"'),
    Setting("mail.relay_user", "text", kinds.text, None, "The login name at the relay.", '"me@example.net"'),
    Setting("mail.relay_password_file", "path", kinds.path, None,
            "A file that holds the relay's password, readable by root only.", '"/etc/stead/relay-password"'),
    Setting("mail.max_message_mb", "number", kinds.integer(1, 1000), 50,
            "The largest message accepted, in megabytes.", "50"),
    Setting("mail.quota_gb", "number", kinds.integer(0, 100_000), 0,
            "The most one user's mail may hold, in gigabytes; 0: no limit.", "0"),
    Setting("data.btrfs", "path", kinds.path, None,
            "A folder on your own btrfs for the data. Not set: a file image that the keeper makes and grows.",
            '"/srv/stead"'),
    Setting("data.first_size", "size", kinds.size, None,
            "The file image's first size (MB, GB or TB). Not set: what fits the disk. It takes only the room that is "
            "used and grows by itself.", '"4GB"'),
    Setting("alerts.urls", "list of addresses", kinds.alerts, [],
            "Where alarms go, at least two, of which one does not need this server. mailto:me@example.net is mail "
            "straight to that address's own mail servers; everything else is an address of Apprise, which knows a "
            "hundred services. After a change: stead alerts test.",
            '["mailto:me@example.net", "ntfy://my-topic"]'),
    Setting("alerts.deadman", "https address", kinds.https, None,
            "An address outside that is called while every place's last drill has passed lately, and its /fail when "
            "one failed; who is behind it (Healthchecks and the like) tells you when the calls stay away.",
            '"https://hc-ping.example/abc"'),
    Setting("alerts.feed_every", "duration", kinds.duration("10s", "1h"), "5m",
            "How often that address is called. Let its service wait a few times longer before it alarms.", '"5m"'),
    Setting("alerts.resolver", "host:port", kinds.host_port, None,
            "The name server asked where alarm mail goes. Not set: the ones this computer uses.", '"192.0.2.53:53"'),
    Setting("alerts.mail_port", "number", kinds.integer(1, 65_535), 25,
            "The port on which other mail servers take alarm mail; it is 25 everywhere but in tests.", "25"),
    Setting("keeper.backup", "duration", kinds.duration("2m", "7d"), "15m",
            "The longest time between two backups; they come sooner where goals.lose_at_most needs it "
            "(at two thirds of it).", '"15m"'),
    Setting("keeper.picture", "duration", kinds.duration("1m", "1d"), "10m",
            "How often a picture of the data is taken, to look back at. A picture is not a backup.", '"10m"'),
    Setting("keeper.marker", "duration", kinds.duration("10s", "10m"), "60s",
            "How often a dated marker is written into every service.", '"60s"'),
    Setting("keeper.probe", "duration", kinds.duration("30s", "10m"), "5m",
            "How often every service is probed from outside.", '"5m"'),
    Setting("keeper.read_back", "duration", kinds.duration("1d", "365d"), "30d",
            "The time within which every byte of every place is read back and compared.", '"30d"'),
    Setting("retention.hourly", "number", kinds.integer(1, 100_000), 48,
            "Of so many hours that have a backup, the newest of each is kept.", "48"),
    Setting("retention.daily", "number", kinds.integer(0, 100_000), 14, "The same for days.", "14"),
    Setting("retention.weekly", "number", kinds.integer(0, 100_000), 8, "The same for weeks.", "8"),
    Setting("retention.monthly", "number", kinds.integer(0, 100_000), 24, "The same for months.", "24"),
    Setting("retention.yearly", "number, or \"all\"", kinds.integer_or_all(0, FOR_EVER), "all",
            "The same for years; \"all\": for ever.", '"all"'),
    Setting("local.port_shift", "number", kinds.integer(0, 50_000), 0,
            "Added to every loopback port of local mode, so that several can live on one computer.", "0"),
)  # fmt: skip

PLACE: tuple[Setting, ...] = (
    Setting("place.name", "short name", kinds.place_name, None, "What the place is called, in commands too.",
            '"attic"'),
    Setting("place.url", "folder or restic address", kinds.place_url, None,
            "Where it is. Use one that survives this computer.", '"sftp:me@attic:/stead"'),
    Setting("place.credentials_file", "path", kinds.path, None,
            "A file of NAME=value lines the place's kind needs (such as AWS_ACCESS_KEY_ID), readable by root only.",
            '"/etc/stead/attic.env"'),
    Setting("place.upload_limit", "speed", kinds.rate, None,
            "The most that is sent there in a second.", '"2MB/s"'),
    Setting("place.download_limit", "speed", kinds.rate, None,
            "The most that is read from there in a second, but not by a recovery.", '"10MB/s"'),
    Setting("place.bytes_a_month", "size", kinds.amount, None,
            "The most that goes to and from it in a calendar month, as counted here. Beyond it nothing is backed up "
            "there until the next month, which is an alarm; from four fifths on it is a warning.", '"200GB"'),
    Setting("place.quiet_hours", "hours", kinds.hours, None,
            "Hours of the day, in this computer's local time, in which the keeper leaves the place alone: no backup, "
            "no drill. Their length does not count against the deadlines.", '"18:00-23:00"'),
    Setting("place.append_only", "true or false", kinds.flag, None,
            "The place lets nothing be deleted, so nobody tries to. `stead place add` sets it as found.", "true"),
    Setting("place.medium", "word", kinds.medium, None,
            "What its copies lie on: disk, computer or cloud. Not set: by the kind of its address.", '"cloud"'),
    Setting("place.cost_per_gb", "amount of money", kinds.money, None,
            "What reading back a gigabyte costs there, in your currency. Drills keep below cost_a_month with it.",
            "0.09"),
    Setting("place.cost_a_month", "amount of money", kinds.money, None,
            "The most that proving this place may cost in a month, where cost_per_gb is set; 1.0 if not set.", "2.0"),
    Setting("place.prune_credentials_file", "path", kinds.path, None,
            "A file of NAME=value lines that may delete from the place, used for pruning alone. A line "
            "RESTIC_REPOSITORY=address gives another address for it.", '"/etc/stead/attic-prune.env"'),
)  # fmt: skip

#: Settings of a place that must be there.
PLACE_REQUIRED = ("name", "url")
