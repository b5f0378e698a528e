"""Restic places that open at once. Restic makes each key so that a password costs half a second of a processor to try;
tests open places thousands of times, so theirs get a key file of the same format with less work in it (restic's
design page, "Keys, Encryption and MAC"). Everything else of the place stays as the product and restic made it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

_CHEAP = {"N": 1024, "r": 8, "p": 1}
_MEMORY = 256 << 20


class Files(Protocol):
    """Where places lie, each file by the place's name and its path in it."""

    def files(self, name: str) -> list[str]:
        """Every path."""

    def read(self, name: str, path: str) -> bytes:
        """The content of one."""

    def write(self, name: str, path: str, content: bytes) -> None:
        """Write one."""

    def remove(self, name: str, path: str) -> None:
        """Take one away."""


class Folders:
    """Places in folders, named by their paths."""

    def files(self, name: str) -> list[str]:
        return [str(path.relative_to(name)) for path in Path(name).glob("keys/*")]

    def read(self, name: str, path: str) -> bytes:
        return Path(name, path).read_bytes()

    def write(self, name: str, path: str, content: bytes) -> None:
        Path(name, path).write_bytes(content)
        Path(name, path).chmod(0o400)

    def remove(self, name: str, path: str) -> None:
        Path(name, path).unlink()


def quicken(place: str, password_file: Path, at: Files | None = None) -> None:
    """Give ``place`` (a folder's path, or a name at a server) a key that opens in a millisecond."""
    where = at or Folders()
    password = password_file.read_text().strip().encode()
    for path in [path for path in where.files(place) if path.startswith("keys/")]:
        cheap = _cheaper(where.read(place, path), password)
        where.write(place, f"keys/{hashlib.sha256(cheap).hexdigest()}", cheap)
        where.remove(place, path)


def _cheaper(file: bytes, password: bytes) -> bytes:
    key = json.loads(file)
    sealed = base64.b64decode(key["data"])
    nonce, text, mac = sealed[:16], sealed[16:-16], sealed[-16:]
    encrypt, sign = _derived(key, password)
    _signer(sign, nonce, text).verify(mac)
    master = _ctr(encrypt, nonce, text)
    key.update(_CHEAP)
    encrypt, sign = _derived(key, password)
    nonce = os.urandom(16)
    text = _ctr(encrypt, nonce, master)
    key["data"] = base64.b64encode(nonce + text + _signer(sign, nonce, text).finalize()).decode()
    return json.dumps(key).encode()


def _derived(key: dict[str, int | str], password: bytes) -> tuple[bytes, bytes]:
    salt = base64.b64decode(str(key["salt"]))
    work = {"n": int(key["N"]), "r": int(key["r"]), "p": int(key["p"])}
    derived = hashlib.scrypt(password, salt=salt, dklen=64, maxmem=_MEMORY, **work)
    return derived[:32], derived[32:]


def _signer(sign: bytes, nonce: bytes, text: bytes) -> Poly1305:
    block = Cipher(algorithms.AES(sign[:16]), modes.ECB()).encryptor().update(nonce)
    signer = Poly1305(sign[16:] + block)
    signer.update(text)
    return signer


def _ctr(key: bytes, nonce: bytes, text: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(nonce)).encryptor().update(text)
