"""WebDAV in a booted machine: what is stored, who may see it, and what is refused."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from stead import machine, run
from tests.rig.server import PASSWORD, Server
from tests.services.files.dav import Client

LOCK = (
    '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype>'
    "<owner>a test</owner></lockinfo>"
)
PROPPATCH = '<propertyupdate xmlns="DAV:"><set><prop><c xmlns="urn:example">red</c></prop></set></propertyupdate>'
ASK_COLOUR = '<propfind xmlns="DAV:"><prop><c xmlns="urn:example"/></prop></propfind>'


@pytest.fixture
def alice(live: Server) -> Client:
    return Client(live, "alice")


@pytest.fixture
def bob(live: Server) -> Client:
    return Client(live, "bob")


@pytest.fixture
def folder(alice: Client) -> Iterator[str]:
    path = f"{alice.base}{uuid4().hex}/"
    assert alice.ask("MKCOL", path).status == 201
    yield path
    assert alice.ask("DELETE", path).status == 204


def restart(live: Server, unit: str) -> None:
    assert machine.ask(live.machine, ["systemctl", "restart", unit]).code == 0


def test_what_is_stored_comes_back_whole_and_in_parts(alice: Client, folder: str) -> None:
    content = os.urandom(300_000)
    assert alice.ask("PUT", folder + "a", content).status == 201
    assert alice.ask("PUT", folder + "a", content[::-1]).status == 204
    assert alice.ask("PUT", folder + "a", content).status == 204
    got = alice.ask("GET", folder + "a")
    assert (got.status, got.body) == (200, content)
    part = alice.ask("GET", folder + "a", headers={"Range": "bytes=1000-1999"})
    assert (part.status, part.body) == (206, content[1000:2000])
    assert alice.ask("GET", folder + "a", headers={"Range": "bytes=-3"}).body == content[-3:]
    assert alice.ask("GET", folder + "a", headers={"Range": "bytes=300000-"}).status == 416
    several = alice.ask("GET", folder + "a", headers={"Range": "bytes=0-1,5-6"})
    assert (several.status, several.body) == (200, content)
    assert alice.ask("GET", folder + "a", headers={"If-None-Match": got.headers["etag"]}).status == 304


def test_a_cut_upload_never_replaces_what_was_there(alice: Client, folder: str) -> None:
    assert alice.ask("PUT", folder + "a", b"old").status == 201
    for name in ("a", "b"):
        head = f"PUT {folder}{name} HTTP/1.1\r\nHost: {alice.host}\r\nAuthorization: {alice.authorization}\r\n"
        with alice.connect() as connection:
            connection.sendall((head + "Content-Length: 1000000\r\n\r\n").encode() + b"x" * 500_000)
        with alice.connect() as connection:
            connection.sendall((head + "Transfer-Encoding: chunked\r\n\r\n3e8\r\n").encode() + b"x" * 500)
    time.sleep(1)
    assert alice.ask("GET", folder + "a").body == b"old"
    assert alice.ask("GET", folder + "b").status == 404


def test_a_body_without_a_length_is_stored_whole(alice: Client, folder: str) -> None:
    head = f"PUT {folder}c HTTP/1.1\r\nHost: {alice.host}\r\nAuthorization: {alice.authorization}\r\n"
    with alice.connect() as connection:
        connection.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
        for _ in range(50):
            connection.sendall(b"2710\r\n" + b"y" * 10_000 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 201")
    assert alice.ask("GET", folder + "c").body == b"y" * 500_000


def test_more_than_the_disk_holds_is_refused_at_once(alice: Client, folder: str) -> None:
    head = f"PUT {folder}huge HTTP/1.1\r\nHost: {alice.host}\r\nAuthorization: {alice.authorization}\r\n"
    with alice.connect() as connection:
        connection.sendall((head + f"Content-Length: {10**15}\r\n\r\n").encode() + b"x" * 1000)
        assert connection.recv(100).startswith(b"HTTP/1.1 507")
    assert alice.ask("GET", folder + "huge").status == 404


def test_nobody_sees_anothers_folder(alice: Client, bob: Client, folder: str) -> None:
    alice.ask("PUT", folder + "secret", b"mine")
    for method, path in (("GET", folder + "secret"), ("PROPFIND", alice.base), ("DELETE", folder)):
        assert bob.ask(method, path, headers={"Depth": "1"} if method == "PROPFIND" else None).status in (403, 404)
    assert bob.ask("LOCK", folder + "secret", LOCK).status in (403, 404, 409)
    assert bob.ask("PUT", folder + "planted", b"x").status in (403, 404, 409)
    assert bob.ask("COPY", folder + "secret", headers={"Destination": f"https://{bob.host}{bob.base}x"}).status == 404
    bob.ask("PUT", f"{bob.base}x", b"x")
    moved = bob.ask("MOVE", f"{bob.base}x", headers={"Destination": f"https://{bob.host}{folder}x"})
    assert moved.status in (403, 404, 409)
    assert bob.ask("DELETE", f"{bob.base}x").status == 204
    top = bob.ask("PROPFIND", "/files/", headers={"Depth": "1"})
    assert top.status == 207 and "/files/bob/" in top.text and "/files/shared/" in top.text
    assert "alice" not in top.text and "site" not in top.text


def test_without_a_password_there_is_nothing(alice: Client) -> None:
    for method in ("GET", "OPTIONS", "PROPFIND", "PUT"):
        answer = alice.ask(method, alice.base, auth=False)
        assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Basic ")


def test_the_login_name_may_have_its_domain(live: Server, folder: str) -> None:
    assert Client(live, "alice", f"alice@{live.domain}").ask("GET", folder).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/files/alice/../bob/",
        "/files/alice/%2e%2e/bob/",
        "/files/alice/..%2fbob/",
        "/files/alice/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/files/alice/..\\..\\etc",
        "/files/alice/%00",
        "/files//alice/../../../../etc/passwd",
        "/files/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/files/alice/.stead-0123456789abcdef",
        "/files/home/",
        "/files/properties/properties.db",
    ],
)
def test_tricks_with_paths_lead_nowhere(alice: Client, path: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert alice.ask(method, path).status in (400, 403, 404, 405, 409)


def test_a_link_is_never_followed(live: Server, alice: Client, folder: str) -> None:
    inside = "/data/files/home" + folder.removeprefix("/files").rstrip("/")
    for name, target in (("q-file", "/etc/passwd"), ("q-dir", "/etc"), ("q-near", "/data/files/home/alice")):
        made = machine.ask(live.machine, ["ln", "-s", target, f"{inside}/{name}"], uid=618)
        assert made.code == 0, made.text
    for path in ("q-file", "q-dir/", "q-dir/passwd", "q-near/"):
        assert alice.ask("GET", folder + path).status in (403, 404)
    assert alice.ask("PUT", folder + "q-file", b"x").status in (403, 404)
    listed = alice.ask("PROPFIND", folder, headers={"Depth": "1"}).text
    assert "q-" not in listed
    copied = alice.ask("COPY", folder, headers={"Destination": f"{alice.base}{uuid4().hex}", "Host": alice.host})
    assert copied.status == 201


def test_walking_through_everything_is_refused(alice: Client, folder: str) -> None:
    for headers in ({"Depth": "infinity"}, {}):
        answer = alice.ask("PROPFIND", folder, headers=headers)
        assert answer.status == 403 and "propfind-finite-depth" in answer.text


def test_hostile_xml_is_refused(alice: Client, folder: str) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(8)
    )
    outside = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">'
    for start in (bomb, outside):
        body = f'{start}]><propfind xmlns="DAV:"><prop><x>&a;</x></prop></propfind>'
        assert alice.ask("PROPFIND", folder, body, {"Depth": "0"}).status == 400
    assert alice.ask("PROPFIND", folder, b" " * 2_000_000, {"Depth": "0"}).status == 413


def test_the_page_is_its_owners(live: Server, alice: Client, bob: Client) -> None:
    name = f"{uuid4().hex}.html"
    assert alice.ask("PUT", f"/files/site/{name}", b"<p>hello").status == 201
    assert alice.ask("GET", f"/{name}", auth=False).body == b"<p>hello"
    assert bob.ask("GET", f"/files/site/{name}").status in (403, 404)
    assert bob.ask("PUT", f"/files/site/{name}", b"<p>bob").status in (403, 404, 409)
    moved = alice.ask("MOVE", f"/files/site/{name}", headers={"Destination": f"https://{alice.host}{alice.base}{name}"})
    assert moved.status == 201
    assert alice.ask("GET", f"/{name}", auth=False).status == 404
    back = alice.ask("MOVE", f"{alice.base}{name}", headers={"Destination": f"https://{alice.host}/files/site/{name}"})
    assert back.status == 201
    assert alice.ask("GET", f"/{name}", auth=False).body == b"<p>hello"
    assert alice.ask("DELETE", f"/files/site/{name}").status == 204


def test_the_folders_of_an_account_stay(alice: Client) -> None:
    for path in ("/files/", alice.base, "/files/shared/", "/files/site/"):
        assert alice.ask("DELETE", path).status == 403
    assert alice.ask("MKCOL", "/files/another").status in (403, 409)
    assert alice.ask("MOVE", alice.base, headers={"Destination": f"https://{alice.host}/files/shared/x"}).status == 403


def test_names_are_kept_as_they_are(alice: Client, folder: str) -> None:
    for name in ("a%3Bb%3Fc%23d", "%C3%A9t%C3%A9", "100%25", "x%26y%3Cz%3E"):
        assert alice.ask("PUT", folder + "source", b"x").status in (201, 204)
        moved = alice.ask("MOVE", folder + "source", headers={"Destination": f"https://{alice.host}{folder}{name}"})
        assert moved.status == 201, name
        assert alice.ask("GET", folder + name).body == b"x", name


def test_locks_and_properties_outlive_a_restart(live: Server, alice: Client, folder: str) -> None:
    path = folder + "a"
    alice.ask("PUT", path, b"before")
    assert alice.ask("PROPPATCH", path, PROPPATCH).status == 207
    token = alice.ask("LOCK", path, LOCK, {"Timeout": "Second-600", "Depth": "0"}).headers["lock-token"]
    restart(live, "stead-files.service")
    assert alice.ask("PUT", path, b"without").status == 423
    assert "red" in alice.ask("PROPFIND", path, ASK_COLOUR, {"Depth": "0"}).text
    assert alice.ask("PUT", path, b"with", {"If": f"({token})"}).status == 204
    assert alice.ask("UNLOCK", path, headers={"Lock-Token": token}).status == 204


def test_a_browser_sees_a_listing_that_runs_nothing(alice: Client, folder: str) -> None:
    alice.ask("PUT", folder + "%3Cscript%3E.html", b"<script>alert(1)</script>")
    page = alice.ask("GET", folder)
    assert page.status == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    assert "&lt;script&gt;" in page.text and "<script>" not in page.text
    assert "sandbox" in page.headers["content-security-policy"]
    assert "sandbox" in alice.ask("GET", folder + "%3Cscript%3E.html").headers["content-security-policy"]
    assert alice.ask("GET", folder.rstrip("/")).status == 301


def test_an_old_password_stops_counting(live: Server) -> None:
    from stead.services.identity import Accounts

    accounts = Accounts(live.home.data, live.domain)
    bob = Client(live, "bob")
    assert bob.ask("GET", "/files/").status == 200
    accounts.set_password("bob", "another correct horse")
    try:
        deadline = time.monotonic() + 5
        while bob.ask("GET", "/files/").status != 401:
            assert time.monotonic() < deadline, "the old password still counts"
    finally:
        accounts.set_password("bob", PASSWORD)
    assert bob.ask("GET", "/files/").status == 200


def test_an_answer_that_comes_before_the_body_was_read_arrives(alice: Client, folder: str) -> None:
    """Once in a thousand times nginx said 502 instead: it was still sending the body when the program closed."""
    alice.ask("PUT", folder + "held", b"x")
    token = alice.ask("LOCK", folder + "held", LOCK).headers["lock-token"]
    for size in (300_000, 3_000_000):
        body = os.urandom(size)
        for _ in range(25):
            assert alice.ask("PUT", folder + "held", body).status == 423
            assert alice.ask("PUT", folder + "held", body, auth=False).status == 401
            assert alice.ask("PROPFIND", folder, body).status in (400, 403, 413)
    slow = f"PUT {folder}held HTTP/1.1\r\nHost: {alice.host}\r\nContent-Length: 5000000\r\n\r\n".encode()
    with alice.connect() as connection:
        connection.sendall(slow + b"x" * 100_000)
        began = time.monotonic()
        connection.recv(100)
    assert time.monotonic() - began < 15, "who stops sending is not waited for"
    alice.ask("UNLOCK", folder + "held", headers={"Lock-Token": token})


def memory(live: Server, unit: str) -> int:
    """Proportional memory of a unit's processes, in kB."""
    script = (
        f"for p in $(cat /sys/fs/cgroup/system.slice/{unit}/cgroup.procs); do grep ^Pss: /proc/$p/smaps_rollup; done"
    )
    lines = machine.ask(live.machine, ["sh", "-c", script]).text.splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def test_a_large_file_passes_in_constant_memory(live: Server, alice: Client, folder: str) -> None:
    restart(live, "stead-files.service")
    size, block = 300 << 20, os.urandom(1 << 20)
    head = f"PUT {folder}large HTTP/1.1\r\nHost: {alice.host}\r\nAuthorization: {alice.authorization}\r\n"
    most = 0
    with alice.connect() as connection:
        connection.sendall((head + f"Content-Length: {size}\r\n\r\n").encode())
        for number in range(300):
            connection.sendall(block)
            most = max(most, memory(live, "stead-files.service")) if number % 50 == 0 else most
        assert connection.recv(100).startswith(b"HTTP/1.1 201")
    assert len(alice.ask("GET", folder + "large").body) == size
    assert max(most, memory(live, "stead-files.service")) < 60_000
    assert memory(live, "stead-files.service") > 0


@pytest.mark.parametrize("suite", ["basic", "copymove", "props", "locks", "http"])
def test_the_public_conformance_suite(live: Server, alice: Client, folder: str, tmp_path: Path, suite: str) -> None:
    result = run.run(
        ["litmus", "-k", live.url(folder), "alice", PASSWORD], timeout=240, env={"TESTS": suite}, cwd=tmp_path
    )
    assert " 0 failed." in result.out
