"""Mail: Postfix takes it in and sends it out, rspamd judges and signs, Dovecot keeps it, Redis remembers what is spam.

This folder holds all of it: the declaration (here), configuration (``config/``, filled in at each boot), what is part
of a release (``tree/``), probes, markers and the inventory. Accounts come from ``identity``, certificates from ``tls``.
"""

from __future__ import annotations

from pathlib import Path

from stead.services.mail.configuration import config_files
from stead.services.mail.inventory import inventory
from stead.services.template import enabled, static
from stead.words.declaration import DataFolder, Egress, Port, Saved, Service, ServiceUser, TreeFile

__all__ = ["SERVICE"]

_HERE = Path(__file__).parent
_UNITS = ("redis-server.service", "rspamd.service", "dovecot.service", "postfix.service", "stead-mail-accounts.path")


def _tree_files() -> tuple[TreeFile, ...]:
    return (*static(_HERE / "tree"), *(enabled(unit) for unit in _UNITS))


SERVICE = Service(
    name="mail",
    words="mail: received, sent, filtered, kept",
    packages=(
        "postfix",
        "dovecot-imapd",
        "dovecot-lmtpd",
        "dovecot-sieve",
        "dovecot-managesieved",
        "rspamd",
        "redis-server",
        "ca-certificates",
        "python3-minimal",
    ),
    groups={"postdrop": 611, "auth": 624},
    users=(
        ServiceUser("postfix", 610),
        ServiceUser("dovecot", 612),
        ServiceUser("dovenull", 613),
        ServiceUser("vmail", 614),
        ServiceUser("_rspamd", 615),
        ServiceUser("redis", 616),
    ),
    folders=(
        DataFolder("mail", "root", 0o755),
        # Made by the guest (tmpfiles.d): Postfix's queue has folders of several owners in it.
        DataFolder("mail/queue", "root", 0o755, why="mail on its way; answered with 250 means never lost"),
        DataFolder("mail/home", "vmail", 0o700, why="everybody's mail and mail rules"),
        DataFolder("mail/rspamd", "_rspamd", 0o700, why="the filter's compiled patterns: a start without them is slow"),
        DataFolder("mail/redis", "redis", 0o700, saved=Saved.WHOLE, why="what the spam filter has learnt"),
    ),
    egress=(Egress("postfix", "tcp", (25, 465, 587)),),
    ports=(
        Port("smtp", 25, 8025),
        Port("submissions", 465, 8465),
        Port("submission", 587, 8587),
        Port("imaps", 993, 8993),
        Port("sieve", 4190, 8419),
    ),
    units=_UNITS,
    tree_files=_tree_files,
    config_files=config_files,
    watched_by="stead.services.mail.probes",
    inventory=inventory,
)
