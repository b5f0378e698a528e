"""Restic places that open at once. Restic makes each key so that a password costs half a second of a processor to try;
tests open places thousands of times, so theirs get a key file of the same format with less work in it (restic's
design page, "Keys, Encryption and MAC"). Everything else of the place stays as the product and restic made it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

from stead.run import run

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
        Path(name, path).parent.mkdir(parents=True, exist_ok=True)
        Path(name, path).write_bytes(content)
        Path(name, path).chmod(0o400)

    def remove(self, name: str, path: str) -> None:
        Path(name, path).unlink()


def empty_place(restic: Path) -> tuple[str, dict[str, bytes]]:
    """The password and the files of a place with nothing in it, with an id of its own; it opens in a millisecond."""
    password, files = _made(restic)
    return password, files | {"config": renamed(files, password)[0]}


def renamed(files: Mapping[str, bytes], password: str) -> tuple[bytes, str]:
    """The config of a place as if it were another one, and its new id; ``files`` are its config and its key."""
    (key,) = (content for path, content in files.items() if path.startswith("keys/"))
    master = json.loads(_opened(json.loads(key), password.strip().encode()))
    secrets = base64.b64decode(master["encrypt"]), b"".join(base64.b64decode(master["mac"][name]) for name in "kr")
    config = json.loads(_unsealed(files["config"], *secrets))
    config["id"] = os.urandom(32).hex()
    return _sealed(json.dumps(config).encode(), *secrets), config["id"]


@functools.cache
def _made(restic: Path) -> tuple[str, dict[str, bytes]]:
    """What restic makes, once."""
    with tempfile.TemporaryDirectory() as folder:
        password, place = Path(folder, "password"), Path(folder, "place")
        password.write_text("made for many tests\n")
        env = {"RESTIC_REPOSITORY": str(place), "RESTIC_PASSWORD_FILE": str(password)}
        run([restic, "init", "--no-cache"], timeout=60, env=env)
        quicken(str(place), password)
        files = [path for path in place.rglob("*") if path.is_file()]
        return password.read_text(), {str(path.relative_to(place)): path.read_bytes() for path in files}


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
    master = _opened(key, password)
    key.update(_CHEAP)
    key["data"] = base64.b64encode(_sealed(master, *_derived(key, password))).decode()
    return json.dumps(key).encode()


def _opened(key: dict[str, int | str], password: bytes) -> bytes:
    return _unsealed(base64.b64decode(str(key["data"])), *_derived(key, password))


def _unsealed(sealed: bytes, encrypt: bytes, sign: bytes) -> bytes:
    nonce, text, mac = sealed[:16], sealed[16:-16], sealed[-16:]
    _signer(sign, nonce, text).verify(mac)
    return _ctr(encrypt, nonce, text)


def _sealed(plain: bytes, encrypt: bytes, sign: bytes) -> bytes:
    nonce = os.urandom(16)
    text = _ctr(encrypt, nonce, plain)
    return nonce + text + _signer(sign, nonce, text).finalize()


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
