"""The key that signs outgoing mail, and the DNS record that lets others check the signature."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from stead.services.hostfiles import Owner, enter, open_folder, read_file, write_file
from stead.words.declaration import GUEST_UID_BASE

#: The name of our key in DNS: ``stead._domainkey.DOMAIN``.
SELECTOR = "stead"

_RSPAMD = Owner(GUEST_UID_BASE + 615, GUEST_UID_BASE + 615)


def ensure_dkim(data_root: Path) -> str:
    """Make ``keys/dkim/stead.private`` unless it is there; return the record's text (also kept in ``stead.txt``)."""
    # By name: a cryptography library takes long to load, and few commands need it.
    signing = import_module("stead.services.identity.signing")
    with open_folder(data_root) as root, enter(root, "keys") as keys, enter(keys, "dkim") as folder:
        kept = read_file(folder, f"{SELECTOR}.private")
        if kept is None:
            kept = signing.new_key()
            write_file(folder, f"{SELECTOR}.private", kept, mode=0o400, owner=_RSPAMD)
        record: str = signing.record(kept, SELECTOR)
        if read_file(folder, f"{SELECTOR}.txt") != record.encode():
            write_file(folder, f"{SELECTOR}.txt", record.encode(), mode=0o644)
        return record
