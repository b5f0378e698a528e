"""Identity: the accounts that open every service, the signing key, the domain's DNS records. Host side only."""

from __future__ import annotations

from stead.services.identity.accounts import Account, Accounts
from stead.services.identity.dkim import ensure_dkim
from stead.services.identity.dns import DnsRecord, records
from stead.services.identity.names import WATCH
from stead.words.declaration import DataFolder, Service

__all__ = ["SERVICE", "WATCH", "Account", "Accounts", "DnsRecord", "ensure_dkim", "records"]

SERVICE = Service(
    name="identity",
    words="one account for mail, calendar, files and the rest",
    folders=(
        DataFolder("identity", "root", 0o755, writable=False, why="accounts; the host alone changes them"),
        DataFolder("keys", "root", 0o755, writable=False),
        DataFolder("keys/dkim", "root", 0o755, writable=False, why="the key that signs outgoing mail"),
    ),
)
