"""The signing key itself: made, and turned into the record that publishes its public half."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from stead.words.errors import SteadError


def new_key() -> bytes:
    """A private key in PEM."""
    # RSA with 2048 bits: not every receiver checks Ed25519 signatures yet, and longer keys do not fit a DNS answer.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def record(private: bytes, selector: str) -> str:
    """The text of the DNS record for a private key (RFC 6376, 3.6.1); SteadError when the key is damaged."""
    try:
        key = serialization.load_pem_private_key(private, password=None)
    except ValueError:
        raise SteadError(
            f"the signing key keys/dkim/{selector}.private in data is damaged",
            hint="take the file from a backup; or remove it, and a new one is made, with a new DNS record",
        ) from None
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
