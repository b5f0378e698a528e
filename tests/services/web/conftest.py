"""A booted machine with the services' present files laid over a built release, and a data tree of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stead import machine, services
from stead.services.identity import Accounts, ensure_dkim
from stead.services.tls import ca_file, ensure_certificate, names_for
from stead.words.declaration import ConfigContext, TreeFile
from stead.words.home import Home
from stead.words.machine import Machine, MachinePlan, NetworkKind
from stead.words.probe import Target
from stead.words.progress import Silent

PASSWORD = "watch-password-of-a-test"


@dataclass(frozen=True)
class Booted:
    """A machine in local mode, its home and data, and how its users reach it."""

    home: Home
    data: Path
    machine: Machine
    target: Target

    @property
    def site(self) -> Path:
        """The page's folder, as the host sees it."""
        return self.data / "web/site"

    def ask(self, *program: str) -> str:
        """What a program run by the machine's root says."""
        answer = machine.ask(self.machine, program)
        return answer.text


def prepare(home: Home, domain: str, hostname: str) -> None:
    """A data tree with one account, and certificates."""
    home.data.mkdir(parents=True)
    services.prepare_data(home.data)
    accounts = Accounts(home.data, domain)
    accounts.ensure_watch(PASSWORD)
    accounts.add("alice", "correct horse battery")
    ensure_dkim(home.data)
    ensure_certificate(home, home.data, names_for(domain, hostname), datetime.now(UTC))


def plan(home: Home, tree: Path, context: ConfigContext, network: NetworkKind, *more: TreeFile) -> MachinePlan:
    """The machine ``live`` on the home's data, with the services' files as they are now, and ``more``."""
    files = {file.path: file for file in (*services.tree_files(), *services.render(context), *more)}
    return MachinePlan(
        home=home,
        name="live",
        tree=tree,
        config=tuple(files.values()),
        binds=services.binds(home.data),
        network=network,
        ports=services.all_ports(),
        egress=services.all_egress(),
        uids=services.uids(),
        gids=services.gids(),
        sink_port=2525,
        port_shift=context.port_shift,
    )


@pytest.fixture(scope="module")
def tree(request: pytest.FixtureRequest) -> Path:
    """A release's tree: the one named by the environment, else the one all tests share."""
    named = os.environ.get("STEAD_TEST_RELEASE")
    return Path(named) if named else request.getfixturevalue("release").tree


@pytest.fixture(scope="module")
def booted(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    """A machine in local mode."""
    home = Home.at(tmp_path_factory.mktemp("home"))
    prepare(home, "stead.test", "stead.test")
    context = ConfigContext(
        domain="stead.test",
        hostname="stead.test",
        public=False,
        rehearsal=False,
        outside=machine.outside_address(home, "live", NetworkKind.LOCAL),
        sink_port=2525,
        resolvers=(),
        relay=None,
        accounts=("alice",),
        owner="alice",
        port_shift=machine.kept_port_shift(home, services.all_ports()),
    )
    running = machine.start(plan(home, tree, context, NetworkKind.LOCAL), Silent())
    target = Target(
        endpoints=running.endpoints,
        domain="stead.test",
        hostname="stead.test",
        ca_pem=ca_file(home).read_text(),
        account="stead-watch",
        password=PASSWORD,
        outside=running.outside,
        sink_port=2525,
    )
    try:
        yield Booted(home, home.data, running, target)
    finally:
        machine.stop(home, "live")
