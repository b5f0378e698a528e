"""The personal page, in a real browser, and changed the way an owner changes it."""

from __future__ import annotations

import http.client
from pathlib import Path
from uuid import uuid4

from stead.run import run
from tests.rig.programs import Programs
from tests.rig.server import Server


def test_a_browser_shows_the_page(live: Server, programs: Programs, tmp_path: Path) -> None:
    shown = programs.chromium("--dump-dom", live.url()).out
    assert "<h1" in shown and "ERR_CERT" not in shown
    picture = tmp_path / "page.png"
    programs.chromium(f"--screenshot={picture}", "--window-size=1000,700", live.url())
    assert picture.stat().st_size > 5_000


def test_the_owner_changes_the_page_by_webdav(live: Server, programs: Programs, tmp_path: Path) -> None:
    words = f"Alice was here {uuid4().hex}"
    page = tmp_path / "hello.html"
    page.write_text(f"<!doctype html><title>Hello</title><h1>{words}</h1>\n")
    programs.rclone("alice", "copyto", str(page), "stead:site/hello.html")
    try:
        assert words in programs.chromium("--dump-dom", live.url("/hello.html")).out
    finally:
        programs.rclone("alice", "deletefile", "stead:site/hello.html")


def test_without_the_authority_nothing_is_trusted(live: Server) -> None:
    refused = run(["curl", "--silent", "--show-error", live.url()], timeout=30, expect=())
    assert refused.code == 60, "curl says 60 when it cannot check the certificate"
    accepted = run(["curl", "--silent", "--fail", "--cacert", live.ca, "--output", "/dev/null", live.url()], timeout=30)
    assert accepted.code == 0


def test_plain_http_only_shows_the_way(live: Server) -> None:
    at = live.endpoint("http")
    connection = http.client.HTTPConnection(at.host, at.port, timeout=20)
    connection.request("GET", "/", headers={"Host": "localhost"})
    answer = connection.getresponse()
    assert answer.status in (301, 308)
    assert (answer.getheader("Location") or "").startswith("https://")
