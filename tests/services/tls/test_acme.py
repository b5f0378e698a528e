"""A certificate by ACME from pebble, a test authority, for a machine in public mode inside namespaces of its own."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stead import machine
from stead.machine import naming
from stead.run import run, start
from stead.services.tls import SERVICE, ca_file
from stead.services.tls.authority import issue, make_authority
from stead.words.declaration import ConfigContext, TreeFile
from stead.words.home import Home
from stead.words.machine import Machine, NetworkKind
from stead.words.progress import Silent
from tests.services.web.conftest import plan, prepare, tree

__all__ = ["tree"]

OUTSIDE, INSIDE = "198.18.0.1", "198.18.0.2"
PATH = os.environ.get("STEAD_TEST_PEBBLE", os.environ["PATH"])
CONTEXT = ConfigContext(
    domain="example.org",
    hostname="mail.example.org",
    public=True,
    rehearsal=False,
    outside=OUTSIDE,
    sink_port=2525,
    resolvers=(OUTSIDE,),
    relay=None,
    accounts=("alice",),
    owner="alice",
    acme_directory=f"https://{OUTSIDE}/dir",
)


def test_only_a_live_public_machine_asks_for_certificates() -> None:
    def paths(**changes: bool) -> set[str]:
        return {file.path for file in SERVICE.config_files(ConfigContext(**{**CONTEXT.__dict__, **changes}))}

    assert "/etc/stead/acme.env" in paths()
    assert "/etc/stead/acme.env" not in paths(rehearsal=True)
    assert "/etc/stead/acme.env" not in paths(public=False)


@dataclass(frozen=True)
class Asked:
    """A public machine with an ACME authority outside."""

    machine: Machine
    netns: str

    def ask(self, *program: str, limit: float = 60) -> str:
        return machine.ask(self.machine, program, limit=limit).text

    def shown(self, port: int) -> str:
        """Issuer and names of the certificate that a port shows."""
        where = ["-connect", f"{INSIDE}:{port}", "-servername", "mail.example.org"]
        said = run(["ip", "netns", "exec", self.netns, "openssl", "s_client", *where], timeout=20, stdin="", expect=())
        fields = ["-noout", "-issuer", "-ext", "subjectAltName"]
        return run(["openssl", "x509", *fields], timeout=20, stdin=said.out, expect=()).out

    def until(self, words: str, port: int) -> str:
        """What the port shows, as soon as ``words`` are in it, or after 15 s."""
        deadline = time.monotonic() + 15
        while words not in (found := self.shown(port)) and time.monotonic() < deadline:
            time.sleep(0.2)
        return found


@pytest.fixture(scope="module")
def asked(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    if not shutil.which("pebble", path=PATH):
        pytest.skip("needs pebble: apt-get install pebble, or STEAD_TEST_PEBBLE=its folder")
    folder = tmp_path_factory.mktemp("acme")
    home = Home.at(folder / "home")
    prepare(home, "example.org", "mail.example.org")
    authority = make_authority((OUTSIDE,), datetime.now(UTC))
    (folder / "pebble.pem").write_bytes(issue(authority, (OUTSIDE,), datetime.now(UTC)).written())
    trust = "[Service]\nEnvironment=LEGO_CA_CERTIFICATES=/etc/stead/pebble.pem\n"
    more = (
        TreeFile("/etc/stead/pebble.pem", authority.public()),
        TreeFile("/etc/systemd/system/stead-acme.service.d/test.conf", trust.encode()),
    )
    with ExitStack() as undo:
        undo.callback(machine.stop, home, "live")
        running = machine.start(plan(home, tree, CONTEXT, NetworkKind.SEALED, *more), Silent())
        link = naming.link(home, "live", NetworkKind.SEALED)
        assert link.outside_netns
        # The seal is taken off: nothing is reached from here but the two programs started below.
        for netns in (link.netns, link.outside_netns):
            run(["ip", "netns", "exec", netns, "nft", "flush", "ruleset"], timeout=10)
        for child in pebble(folder, link.outside_netns):
            undo.callback(child.wait, 10)
            undo.callback(child.terminate)
        wait_for_pebble(link.outside_netns)
        yield Asked(running, link.outside_netns)


def wait_for_pebble(netns: str) -> None:
    """It makes its own authority first, which takes a second."""
    until = time.monotonic() + 20
    while f"{OUTSIDE}:443" not in run(["ip", "netns", "exec", netns, "ss", "-Hltn"], timeout=10).out:
        assert time.monotonic() < until, "pebble does not listen"
        time.sleep(0.1)


def pebble(folder: Path, netns: str) -> Iterator[Any]:
    """Pebble and its name server, which says that every name is the machine."""
    settings = {
        "listenAddress": f"{OUTSIDE}:443",
        "managementListenAddress": "127.0.0.1:15000",
        "certificate": str(folder / "pebble.pem"),
        "privateKey": str(folder / "pebble.pem"),
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    inside = ["ip", "netns", "exec", netns]
    names = [f"-dns01={OUTSIDE}:53", f"-defaultIPv4={INSIDE}", "-defaultIPv6=", "-management=127.0.0.1:8055"]
    off = ["-http01=", "-https01=", "-tlsalpn01="]
    with open(folder / "pebble.log", "wb") as log:
        found = [shutil.which(name, path=PATH) or name for name in ("pebble-challtestsrv", "pebble")]
        yield start([*inside, found[0], *names, *off], stdout=log, stderr=log)
        options = ["-config", str(folder / "pebble.json"), "-dnsserver", f"{OUTSIDE}:53"]
        environment = {"PEBBLE_VA_NOSLEEP": "1"}
        yield start([*inside, found[1], *options], stdout=log, stderr=log, env=environment)


@pytest.mark.boot
def test_our_own_certificate_until_acme_gives_one(asked: Asked) -> None:
    assert "Stead authority" in asked.shown(443)
    for _ in range(50):
        if INSIDE in asked.ask("getent", "ahosts", "www.example.org"):
            break
        time.sleep(0.2)
    asked.ask("systemctl", "start", "stead-acme.service")
    log = asked.ask("journalctl", "-u", "stead-acme.service", "-o", "cat", "--no-pager")
    shown = asked.until("Pebble", 443)
    assert "Pebble" in shown, log
    for name in ("mail", "www", "autoconfig", "mta-sts"):
        assert f"DNS:{name}.example.org" in shown, log
    assert "Pebble" in asked.until("Pebble", 993)
    assert "Pebble" in asked.until("Pebble", 465)


@pytest.mark.boot
def test_a_good_certificate_is_not_asked_for_again(asked: Asked) -> None:
    before = asked.ask("sha256sum", "/run/stead-tls/server.pem")
    asked.ask("systemctl", "start", "stead-acme.service")
    assert asked.ask("systemctl", "show", "-P", "Result", "stead-acme.service").strip() == "success"
    assert asked.ask("sha256sum", "/run/stead-tls/server.pem") == before


@pytest.mark.boot
def test_public_pages_say_so(asked: Asked) -> None:
    request = "GET {} HTTP/1.1\r\nHost: mta-sts.example.org\r\nConnection: close\r\n\r\n"
    for path, words in (("/", "Strict-Transport-Security: max-age=31536000"), ("/.well-known/mta-sts.txt", "mx: mail")):
        command = ["ip", "netns", "exec", asked.netns, "openssl", "s_client", "-quiet", "-ign_eof"]
        said = run([*command, "-connect", f"{INSIDE}:443"], timeout=20, stdin=request.format(path), expect=())
        assert words in said.out


@pytest.mark.boot
def test_our_own_again_when_acmes_is_damaged(asked: Asked) -> None:
    asked.ask("sh", "-c", "echo junk > /data/acme/lego/certificates/mail.example.org.crt")
    assert "Stead authority" in asked.until("Stead authority", 443)
    assert ca_file(asked.machine.home).exists()
