"""The authority and its certificate, judged by openssl and by Python's TLS, over real connections."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from stead.run import run
from stead.services.tls import ca_file, ensure_certificate, names_for
from stead.services.tls.authority import Pair, issue
from stead.words.home import Home

NOW = datetime.now(UTC)
LOCAL = names_for("stead.test", "stead.test")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.at(tmp_path / "home")
    home.data.mkdir(parents=True)
    return home


def leaf(home: Home) -> Pair:
    found = Pair.read((home.data / "tls/server.pem").read_bytes())
    assert found
    return found


def handshake(trust: str, pair_file: Path, name: str) -> str:
    """Shake hands with a real TLS server that has the pair; the name is checked. Returns what went wrong, or ''."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pair_file)
    client = ssl.create_default_context(cadata=trust)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    theirs.settimeout(10)

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client.wrap_socket(ours, server_hostname=name).close()
        return ""
    except ssl.SSLCertVerificationError as refused:
        return refused.verify_message
    finally:
        ours.close()
        thread.join(10)


def test_every_name_is_accepted_by_python_and_openssl(home: Home) -> None:
    assert ensure_certificate(home, home.data, LOCAL, NOW)
    pair = home.data / "tls/server.pem"
    for name in LOCAL:
        assert handshake(ca_file(home).read_text(), pair, name) == ""
        check = "-verify_ip" if name[0] in "1:" else "-verify_hostname"
        run(["openssl", "verify", "-x509_strict", "-CAfile", ca_file(home), check, name, pair], timeout=20)
    assert "mismatch" in handshake(ca_file(home).read_text(), pair, "example.org").lower()
    lasts = leaf(home).certificate.not_valid_after_utc - leaf(home).certificate.not_valid_before_utc
    assert lasts <= timedelta(days=397)


def test_modes(home: Home) -> None:
    ensure_certificate(home, home.data, LOCAL, NOW)
    for path, mode in (
        (home.secrets, 0o700),
        (home.secrets / "ca.key", 0o600),
        (ca_file(home), 0o644),
        (home.data / "tls/server.pem", 0o640),
        (home.data / ".stead", 0o700),
        (home.data / ".stead/ca.key", 0o600),
    ):
        assert stat.S_IMODE(path.stat().st_mode) == mode, path
    if os.geteuid() == 0:
        found = (home.data / "tls/server.pem").stat()
        assert (found.st_uid, found.st_gid) == (524288, 524288 + 622)


def test_nothing_changes_until_thirty_days_before_the_end(home: Home) -> None:
    assert ensure_certificate(home, home.data, LOCAL, NOW)
    authority = ca_file(home).read_bytes()
    assert not ensure_certificate(home, home.data, LOCAL, NOW + timedelta(days=364))
    assert ensure_certificate(home, home.data, LOCAL, NOW + timedelta(days=366))
    assert ca_file(home).read_bytes() == authority


def test_a_leaked_authority_cannot_pose_as_others(home: Home, tmp_path: Path) -> None:
    ensure_certificate(home, home.data, LOCAL, NOW)
    authority = Pair.read((home.secrets / "ca.key").read_bytes())
    assert authority
    for name in ("www.bank.example", "notstead.test", "10.0.0.1"):
        forged = tmp_path / "forged.pem"
        forged.write_bytes(issue(authority, (name,), NOW).written())
        assert "subtree violation" in handshake(ca_file(home).read_text(), forged, name)
        said = run(["openssl", "verify", "-CAfile", ca_file(home), forged], timeout=20, expect=(2,))
        assert "subtree violation" in said.err + said.out


def test_another_domain_gets_another_authority(home: Home) -> None:
    ensure_certificate(home, home.data, LOCAL, NOW)
    before = ca_file(home).read_bytes()
    public = names_for("example.org", "mail.example.org")
    assert public[:2] == ("mail.example.org", "example.org")
    assert ensure_certificate(home, home.data, public, NOW)
    assert ca_file(home).read_bytes() != before
    assert handshake(ca_file(home).read_text(), home.data / "tls/server.pem", "mta-sts.example.org") == ""


def test_a_recovered_host_keeps_its_authority_from_data(home: Home, tmp_path: Path) -> None:
    ensure_certificate(home, home.data, LOCAL, NOW)
    other = Home.at(tmp_path / "other")
    other.data.parent.mkdir(parents=True)
    shutil.copytree(home.data, other.data)
    assert not ensure_certificate(other, other.data, LOCAL, NOW)
    assert ca_file(other).read_bytes() == ca_file(home).read_bytes()
    assert (other.secrets / "ca.key").read_bytes() == (home.secrets / "ca.key").read_bytes()


@pytest.mark.parametrize("damage", [b"", b"junk", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_damaged_files_are_replaced(home: Home, damage: bytes) -> None:
    ensure_certificate(home, home.data, LOCAL, NOW)
    (home.data / "tls/server.pem").write_bytes(damage)
    assert ensure_certificate(home, home.data, LOCAL, NOW)
    (home.secrets / "ca.key").write_bytes(damage)
    (home.data / ".stead/ca.key").write_bytes(damage)
    assert ensure_certificate(home, home.data, LOCAL, NOW)
    assert handshake(ca_file(home).read_text(), home.data / "tls/server.pem", "localhost") == ""


def test_a_link_in_place_of_the_certificate_is_not_followed(home: Home, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (home.data / "tls").mkdir()
    (home.data / "tls/server.pem").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        ensure_certificate(home, home.data, LOCAL, NOW)
    assert victim.read_text() == "precious"


def test_a_name_longer_than_a_common_name(home: Home) -> None:
    domain = "a" * 40 + "." + "b" * 30 + ".org"
    ensure_certificate(home, home.data, names_for(domain, f"mail.{domain}"), NOW)
    assert leaf(home).certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    assert handshake(ca_file(home).read_text(), home.data / "tls/server.pem", f"mail.{domain}") == ""
