"""The key that signs outgoing mail, and the DNS record that lets others check the signature."""

from __future__ import annotations

import base64
from pathlib import Path

from stead.services.hostfiles import Owner, enter, open_folder, read_file, write_file
from stead.words.declaration import GUEST_UID_BASE
from stead.words.errors import SteadError

#: The name of our key in DNS: ``stead._domainkey.DOMAIN``.
SELECTOR = "stead"

_RSPAMD = Owner(GUEST_UID_BASE + 615, GUEST_UID_BASE + 615)


def ensure_dkim(data_root: Path) -> str:
    """Make ``keys/dkim/stead.private`` unless it is there; return the record's text (also kept in ``stead.txt``)."""
    with open_folder(data_root) as root, enter(root, "keys") as keys, enter(keys, "dkim") as folder:
        kept = read_file(folder, f"{SELECTOR}.private")
        if kept is None:
            kept = _new_key()
            write_file(folder, f"{SELECTOR}.private", kept, mode=0o400, owner=_RSPAMD)
        record = _record(kept)
        if read_file(folder, f"{SELECTOR}.txt") != record.encode():
            write_file(folder, f"{SELECTOR}.txt", record.encode(), mode=0o644)
        return record


def _new_key() -> bytes:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - few commands need it
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    # RSA with 2048 bits: not every receiver checks Ed25519 signatures yet, and longer keys do not fit a DNS answer.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _record(private: bytes) -> str:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    try:
        key = serialization.load_pem_private_key(private, password=None)
    except ValueError:
        raise SteadError(
            f"the signing key keys/dkim/{SELECTOR}.private in data is damaged",
            hint="take the file from a backup; or remove it, and a new one is made, with a new DNS record",
        ) from None
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
