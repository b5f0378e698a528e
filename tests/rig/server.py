"""A live server made by the product's own functions, with people on it, as tests and benches use it."""

from __future__ import annotations

import imaplib
import os
import shutil
import smtplib
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from stead import live, machine
from stead.data import ensure_volume
from stead.rehearsal import known
from stead.release import Release, ReleaseStore
from stead.run import lock, run
from stead.services.identity import Accounts
from stead.settings import Settings, load
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.machine import Machine
from stead.words.probe import Endpoint
from stead.words.progress import Progress, Silent
from tests.rig.last_words import last_words
from tests.rig.prepared import prepare
from tests.rig.releases import store_home

#: Everybody's password here; long enough for the rules, and known to every test.
PASSWORD = "correct horse battery staple"
PEOPLE = ("alice", "bob")
_TURN = 100.0


@dataclass(frozen=True)
class Server:
    """A running server as its users reach it; ``ca`` is the file they were told to trust."""

    home: Home
    settings: Settings
    people: Mapping[str, str]

    @property
    def machine(self) -> Machine:
        """The live machine, asked anew: tests stop and start it."""
        running = machine.find(self.home, "live")
        assert running is not None, "the live machine does not run"
        return running

    @property
    def ca(self) -> Path:
        """The certificate authority's file."""
        return self.home.lib / "ca.pem"

    @property
    def domain(self) -> str:
        """What comes after the @."""
        return self.settings.name

    def endpoint(self, name: str) -> Endpoint:
        """Where the protocol is reached."""
        return self.machine.endpoints[name]

    def url(self, path: str = "/") -> str:
        """An address on the web, by the name the certificate is for."""
        return f"https://localhost:{self.endpoint('https').port}{path}"

    def tls(self) -> ssl.SSLContext:
        """Trusts this server's own authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.ca))

    @contextmanager
    def imap(self, name: str) -> Iterator[imaplib.IMAP4_SSL]:
        """A logged-in IMAP connection."""
        at = self.endpoint("imaps")
        with imaplib.IMAP4_SSL("localhost", at.port, ssl_context=self.tls(), timeout=30) as connection:
            connection.login(name, self.people[name])
            yield connection

    @contextmanager
    def submission(self, name: str) -> Iterator[smtplib.SMTP_SSL]:
        """A logged-in connection to send mail as ``name``."""
        at = self.endpoint("submissions")
        with smtplib.SMTP_SSL("localhost", at.port, context=self.tls(), timeout=30) as connection:
            connection.login(name, self.people[name])
            yield connection

    def inbound(self) -> smtplib.SMTP:
        """A connection to port 25 with STARTTLS done, as a stranger's server makes it."""
        connection = smtplib.SMTP("localhost", self.endpoint("smtp").port, local_hostname="mx.example.org", timeout=60)
        connection.starttls(context=self.tls())
        return connection

    def settle(self) -> None:
        """Bring the server to what the settings say (``stead up`` again)."""
        live.up(self.home, self.settings, Silent())


def lend(home: Home, release: Release) -> None:
    """Put a release that was built elsewhere into this home's store, as if it had been built there."""
    home.releases.mkdir(parents=True, exist_ok=True)
    (home.releases / release.id).symlink_to(release.folder)
    ReleaseStore(home).make_current(release.id)


@contextmanager
def served(home: Home, release: Release, progress: Progress | None = None) -> Iterator[Server]:
    """A server in ``home`` with alice and bob, up when the block begins. Who made the home takes it down."""
    _modest(home)
    lend(home, release)
    settings = load(home)
    try:
        live.up(home, settings, progress or Silent())
    except SteadError as trouble:
        for title, words in last_words([home]):
            trouble.add_note(f"{title}\n{words}")
        raise
    accounts = Accounts(home.data, settings.name)
    known = {account.name for account in accounts.list()}
    for name in PEOPLE:
        if name in known:
            accounts.set_password(name, PASSWORD)
        else:
            accounts.add(name, PASSWORD)
    server = Server(home, settings, dict.fromkeys(PEOPLE, PASSWORD))
    _wait_for_people(server)
    yield server


@contextmanager
def quick(home: Home, release: Release) -> Iterator[Server]:
    """As :func:`served`, without what costs a fresh server seconds of a processor and no test is about: the filter
    finds its patterns compiled, the places hold the release and open at once. Benches do without it."""
    _modest(home)
    prepare(home, known.places(home, load(home)), release)
    compiled = store_home().lib / "first-server/rspamd"
    with ExitStack() as stack:
        with _turn(compiled) as first:
            if compiled.is_dir():
                ensure_volume(home, size=load(home).data.first_size)
                (home.data / "mail").mkdir(mode=0o755, exist_ok=True)
                run(["cp", "-a", compiled, home.data / "mail/rspamd"], timeout=60)
            server = stack.enter_context(served(home, release))
            if first and not compiled.is_dir():
                beside = compiled.with_name("beside")
                shutil.rmtree(beside, ignore_errors=True)
                run(["cp", "-a", home.data / "mail/rspamd", beside], timeout=60)
                beside.rename(compiled)
        yield server


@contextmanager
def _turn(compiled: Path) -> Iterator[bool]:
    """Whoever else wants a server waits for what the first one of this clone compiles, but not longer than a test may.

    Whether it is our turn to compile.
    """
    handle = None if compiled.is_dir() else lock(compiled.parent / "turn", wait=_TURN)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


def _modest(home: Home) -> None:
    """Settings for a small server, unless the test wrote its own."""
    home.etc.mkdir(parents=True, exist_ok=True)
    if not home.settings_file.exists():
        home.settings_file.write_text('[data]\nfirst_size = "2GB"\n')


def _wait_for_people(server: Server) -> None:
    """The machine takes a moment to see that accounts were added; until then mail for them is refused."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with server.inbound() as connection:
            connection.ehlo_or_helo_if_needed()
            connection.mail("zoe@example.org")
            if all(connection.rcpt(f"{name}@{server.domain}")[0] == 250 for name in server.people):
                return
        time.sleep(0.2)
    raise AssertionError("the server does not know its people 30 s after they were added")
