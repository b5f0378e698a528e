"""The signing key and the DNS records."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from stead.services.identity import ensure_dkim, records
from stead.words.errors import SteadError


def test_key_is_made_once_and_matches_its_record(tmp_path: Path) -> None:
    text = ensure_dkim(tmp_path)
    key = serialization.load_pem_private_key((tmp_path / "keys/dkim/stead.private").read_bytes(), None)
    public = serialization.load_der_public_key(base64.b64decode(text.split("p=")[1]))
    assert isinstance(key, rsa.RSAPrivateKey) and isinstance(public, rsa.RSAPublicKey)
    assert key.public_key().public_numbers() == public.public_numbers() and key.key_size == 2048
    assert ensure_dkim(tmp_path) == text == (tmp_path / "keys/dkim/stead.txt").read_text()
    found = (tmp_path / "keys/dkim/stead.private").stat()
    assert stat.S_IMODE(found.st_mode) == 0o400
    if os.geteuid() == 0:
        assert found.st_uid == found.st_gid == 524288 + 615


def test_a_damaged_key_is_told_not_replaced(tmp_path: Path) -> None:
    ensure_dkim(tmp_path)
    key = tmp_path / "keys/dkim/stead.private"
    key.chmod(0o600)
    key.write_text("junk")
    with pytest.raises(SteadError, match="damaged"):
        ensure_dkim(tmp_path)
    assert key.read_text() == "junk"


def test_records_of_a_domain() -> None:
    found = records("example.org", ("192.0.2.7", "2001:db8::7"), "v=DKIM1; k=rsa; p=AAA")
    by = {(r.name, r.type): r.value for r in found}
    assert by["example.org", "MX"] == "10 mail.example.org."
    assert by["mail.example.org", "A"] == "192.0.2.7"
    assert by["mail.example.org", "AAAA"] == "2001:db8::7"
    assert by["example.org", "TXT"] == "v=spf1 mx -all"
    assert by["stead._domainkey.example.org", "TXT"].startswith("v=DKIM1")
    assert by["_imaps._tcp.example.org", "SRV"] == "0 1 993 mail.example.org."
    assert by["_caldavs._tcp.example.org", "TXT"] == "path=/calendar/"
    assert by["7.2.0.192.in-addr.arpa", "PTR"] == "mail.example.org."
    assert all(r.why for r in found) and len({(r.name, r.type, r.value) for r in found}) == len(found)
    relayed = {(r.name, r.type): r.value for r in records("example.org", (), "x", relay_host="smtp.isp.example")}
    assert relayed["example.org", "TXT"] == "v=spf1 mx a:smtp.isp.example ~all"
