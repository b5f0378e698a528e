"""nginx in a booted machine, reached from outside."""

from __future__ import annotations

import os
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stead.probes.http import Response, request
from stead.run import run
from stead.services.tls import ensure_certificate, names_for
from stead.services.web import SERVICE
from stead.words.probe import ProbeFailure
from tests.services.web.conftest import Booted

pytestmark = pytest.mark.boot


def get(booted: Booted, path: str, *, endpoint: str = "https", method: str = "GET") -> Response:
    return request(booted.target, method, path, auth=False, endpoint=endpoint)


def put(booted: Booted, path: str, text: str) -> None:
    """A file in the page's folder, with the owner and group the files service gives it."""
    file = booted.site / path
    for folder in (*reversed(file.relative_to(booted.site).parents), None):
        place = file if folder is None else booted.site / folder
        if folder is None:
            place.write_text(text)
        else:
            place.mkdir(exist_ok=True)
        os.chown(place, 524288 + 618, 524288 + 623)
        place.chmod(0o640 if folder is None else 0o2750)


@pytest.mark.parametrize("probe", SERVICE.probes, ids=lambda probe: probe.name)
def test_probes_pass(booted: Booted, probe) -> None:  # type: ignore[no-untyped-def]
    assert probe.check(booted.target)


def test_the_configuration_is_right_and_nobody_is_root(booted: Booted) -> None:
    assert booted.ask("systemctl", "is-active", "nginx.service").strip() == "active"
    pids = booted.ask("systemctl", "show", "-P", "MainPID", "nginx.service").strip()
    status = booted.ask("cat", f"/proc/{pids}/status")
    found = dict(line.split(":", 1) for line in status.splitlines())
    assert found["Uid"].split() == ["620"] * 4
    assert {found[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}
    assert {"622", "623"} <= set(found["Groups"].split())


def test_first_page_ours_then_the_owners(booted: Booted) -> None:
    assert "Somebody lives here" in get(booted, "/").text
    put(booted, "index.html", "<h1>mine</h1>")
    answer = get(booted, "/")
    assert (answer.status, answer.text) == (200, "<h1>mine</h1>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "strict-transport-security" not in answer.headers
    assert answer.headers["server"] == "nginx"
    (booted.site / "index.html").unlink()


def test_folders(booted: Booted) -> None:
    put(booted, "notes/index.html", "notes")
    put(booted, "bare/file.txt", "bare")
    assert get(booted, "/notes").headers["location"] == "/notes/"
    assert get(booted, "/notes/").text == "notes"
    assert get(booted, "/bare/").status == 404
    assert get(booted, "/bare/file.txt").text == "bare"


def test_not_found_ours_then_the_owners(booted: Booted) -> None:
    answer = get(booted, "/nothing/here")
    assert (answer.status, "Not found" in answer.text) == (404, True)
    assert answer.headers["x-content-type-options"] == "nosniff"
    put(booted, "404.html", "lost?")
    answer = get(booted, "/nothing/here")
    assert (answer.status, answer.text) == (404, "lost?")
    (booted.site / "404.html").unlink()


def test_what_must_not_be_shown(booted: Booted) -> None:
    put(booted, ".draft.html", "secret")
    put(booted, ".git/config", "secret")
    put(booted, "a/.hidden", "secret")
    put(booted, ".well-known/keys.txt", "shown")
    (booted.site / "link").symlink_to("/etc/passwd")
    (booted.site / "out").symlink_to("/etc")
    (booted.site / "index.htm").symlink_to("/etc/passwd")
    paths = ["/.draft.html", "/.git/config", "/a/.hidden", "/%2egit/config", "/.watch/", "/link", "/out/passwd"]
    for path in (*paths, "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/a/..%2f..%2f..%2fetc/passwd"):
        answer = get(booted, path)
        assert answer.status in (400, 403, 404), path
        assert "secret" not in answer.text and "root:" not in answer.text, path
    assert get(booted, "/.well-known/keys.txt").text == "shown"
    assert "root:" not in get(booted, "/").text
    (booted.site / "index.htm").unlink()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PROPFIND", "TRACE"])
def test_the_page_is_only_read(booted: Booted, method: str) -> None:
    assert get(booted, "/page", method=method).status == 405


def test_plain_http_leads_to_our_own_name(booted: Booted) -> None:
    port = booted.target.endpoints["https"].port
    answer = request(booted.target, "GET", "/a?b=c", auth=False, endpoint="http", headers={"Host": "evil.example"})
    assert answer.headers["location"] == f"https://stead.test:{port}/a?b=c"
    answer = request(booted.target, "GET", "/", auth=False, endpoint="http", headers={"Host": "localhost:8080"})
    assert answer.headers["location"] == f"https://localhost:{port}/"


def test_challenges_are_served_by_plain_http_only(booted: Booted) -> None:
    folder = booted.data / "acme/webroot/.well-known/acme-challenge"
    folder.mkdir(parents=True)
    (folder / "token").write_text("proof")
    assert get(booted, "/.well-known/acme-challenge/token", endpoint="http").text == "proof"
    assert get(booted, "/.well-known/acme-challenge/other", endpoint="http").status == 404


def test_settings_files(booted: Booted) -> None:
    xml = get(booted, "/mail/config-v1.1.xml?emailaddress=alice%40stead.test")
    assert xml.headers["content-type"].startswith("text/xml")
    assert f"https://stead.test:{booted.target.endpoints['https'].port}/calendar/" in xml.text
    text = get(booted, "/.well-known/security.txt").text
    assert "Contact: mailto:security@stead.test" in text
    assert get(booted, "/.well-known/mta-sts.txt").status == 404


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_encryption_is_refused(booted: Booted, version: str) -> None:
    args = [
        "openssl",
        "s_client",
        version,
        "-cipher",
        "ALL:@SECLEVEL=0",
        "-connect",
        str(booted.target.endpoints["https"]),
    ]
    said = run(args, timeout=20, expect=(1,), stdin="")
    assert "alert protocol version" in said.err


def test_too_long_and_too_slow_requests_are_cut(booted: Booted) -> None:
    assert get(booted, "/" + "a" * 20000).status == 414
    place = booted.target.endpoints["http"]
    with socket.create_connection((place.host, place.port), 20) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: stead.test\r\n")
        began = time.monotonic()
        with pytest.raises(ConnectionResetError):
            slow.recv(100)
        assert 5 < time.monotonic() - began < 15


def test_log_lines_reach_the_journal_with_the_sender(booted: Booted) -> None:
    get(booted, "/look-for-this")
    for _ in range(40):
        if "/look-for-this" in (said := booted.ask("journalctl", "-t", "nginx", "-n", "50", "-o", "cat")):
            break
        time.sleep(0.1)
    line = next(line for line in said.splitlines() if "/look-for-this" in line)
    assert line.startswith(booted.machine.outside + ' "-" "GET /look-for-this HTTP/1.1" 404')


def test_a_new_certificate_is_taken_up_without_dropping_a_download(booted: Booted) -> None:
    big = booted.site / "big.bin"
    put(booted, "big.bin", "x")
    os.truncate(big, 60_000_000)
    context = ssl.create_default_context(cadata=booted.target.ca_pem)
    place = booted.target.endpoints["https"]
    raw = socket.create_connection((place.host, place.port), 20)
    with context.wrap_socket(raw, server_hostname="stead.test") as slow:
        slow.sendall(b"GET /big.bin HTTP/1.1\r\nHost: stead.test\r\nConnection: close\r\n\r\n")
        received = len(slow.recv(1000))
        before = slow.getpeercert()
        later = datetime.now(UTC) + timedelta(days=370)
        # Issued as if a year had gone by: begins in the future for clients, so only its number is compared.
        ensure_certificate(booted.home, booted.data, names_for("stead.test", "stead.test"), later)
        began = time.monotonic()
        number = before["serialNumber"] if before else ""
        while (now := serial(booted)) == number and time.monotonic() - began < 20:
            time.sleep(0.1)
        assert now != number
        while piece := slow.recv(1 << 20):
            received += len(piece)
    assert received > 60_000_000
    with pytest.raises(ProbeFailure, match="not yet valid"):
        SERVICE.probes[1].check(booted.target)
    (booted.data / "tls/server.pem").unlink()
    ensure_certificate(booted.home, booted.data, names_for("stead.test", "stead.test"), datetime.now(UTC))
    while serial(booted) == now and time.monotonic() - began < 40:
        time.sleep(0.1)
    assert SERVICE.probes[1].check(booted.target)


@pytest.mark.parametrize("after", [0.0, 0.08, 0.12, 0.16])
def test_a_certificate_that_takes_a_moment_to_be_written_is_taken_up(
    booted: Booted, tmp_path: Path, after: float
) -> None:
    before = serial(booted)
    (tmp_path / ".stead").mkdir()
    ensure_certificate(booted.home, tmp_path, names_for("stead.test", "stead.test"), datetime.now(UTC))
    file = booted.data / "tls/server.pem"
    old, beside = file.stat(), file.with_name(".server.pem.new-slow")
    # What began the writing has started the look already, when the disk is slow.
    beside.write_bytes((tmp_path / "tls/server.pem").read_bytes())
    os.chown(beside, old.st_uid, old.st_gid)
    beside.chmod(0o640)
    time.sleep(after)
    beside.rename(file)
    began = time.monotonic()
    while serial(booted) == before and time.monotonic() - began < 20:
        time.sleep(0.1)
    assert serial(booted) != before


def serial(booted: Booted) -> str:
    """The number of the certificate that is shown now, whoever signed it."""
    place = booted.target.endpoints["https"]
    shown = run(["openssl", "s_client", "-connect", str(place), "-servername", "stead.test"], timeout=20, stdin="")
    return (
        run(["openssl", "x509", "-noout", "-serial"], timeout=20, stdin=shown.out).out.strip().removeprefix("serial=")
    )


def test_a_damaged_certificate_changes_nothing(booted: Booted) -> None:
    before = serial(booted)
    good = (booted.data / "tls/server.pem").read_bytes()
    (booted.data / "tls/server.pem").write_bytes(good[: len(good) // 2])
    time.sleep(1)
    assert serial(booted) == before
    (booted.data / "tls/server.pem").write_bytes(good)
    assert SERVICE.probes[1].check(booted.target)
