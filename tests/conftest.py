"""What every test may ask for: a release, an empty home, and a live server with two people on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from stead.release import Release, host_restic
from stead.words.home import Home
from tests.rig import releases
from tests.rig.homes import NewHome, new_home
from tests.rig.server import Server, served

#: A test that asks for one of these boots machines.
_BOOTING = {"release", "live", "fresh_live"}
#: Cheap tests first, so that a small mistake is seen before the long ones begin.
_ORDER = ("root", "boot", "host")


def pytest_configure(config: pytest.Config) -> None:
    """Tests of single rooms that need a restic take it from the release of last time, if there is one."""
    found = releases.present()
    if found is not None:
        os.environ.setdefault("STEAD_RESTIC", str(host_restic(found)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what boots, skip what needs root where there is none, run the cheap ones first."""
    for item in items:
        if _BOOTING & set(getattr(item, "fixturenames", ())):
            item.add_marker("boot")
        if os.geteuid() and any(item.get_closest_marker(name) for name in _ORDER):
            item.add_marker(pytest.mark.skip(reason="needs root"))
    items.sort(key=lambda item: max((n for n, name in enumerate(_ORDER, 1) if item.get_closest_marker(name)), default=0))


@pytest.fixture(scope="session")
def release() -> Release:
    """The release that all tests boot."""
    built = releases.ensure()
    os.environ["STEAD_TEST_RELEASE"] = str(built.tree)
    os.environ["STEAD_TEST_HOME"] = str(releases.store_home().etc.parent)
    os.environ["STEAD_RESTIC"] = str(host_restic(built))
    return built


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> NewHome:
    """Makes homes under a short path of the run's folder."""
    return new_home(tmp_path_factory.getbasetemp() / "h")


@pytest.fixture
def home(homes: NewHome) -> Iterator[Home]:
    """An empty home; taken apart afterwards, and nothing of it may be left."""
    with homes() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def live(homes: NewHome, release: Release) -> Iterator[Server]:
    """One running server for the whole run, with alice (the owner) and bob. Leave it as you found it."""
    with homes() as fresh, served(fresh, release) as server:
        yield server


@pytest.fixture
def fresh_live(home: Home, release: Release) -> Iterator[Server]:
    """A running server of the test's own: it may be broken, filled, stopped."""
    with served(home, release) as server:
        yield server


@pytest.fixture
def repository() -> Path:
    """The clone the tests run in."""
    return releases.REPOSITORY
