"""What every test may ask for: a release, an empty home, and a live server with two people on it."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stead.words.home import Home

# The rest is imported where it is used: a test of one room must not fail because another room is broken.
if TYPE_CHECKING:
    from pluggy import Result

    from stead.release import Release
    from tests.rig.homes import NewHome
    from tests.rig.lost import Lost
    from tests.rig.server import Server

_REPOSITORY = Path(__file__).resolve().parents[1]
_STORE = Path(os.environ.get("STEAD_TEST_HOME") or _REPOSITORY / ".check/home")

#: A test that asks for one of these boots machines.
_BOOTING = {"release", "live", "fresh_live", "lost"}
#: Rooms whose tests are a part of their own of the whole check.
_RUNS = {"backup": "copies", "places": "copies", "rehearsal": "drills", "exchange": "things", "restore": "things"}
#: Cheap tests first, so that a small mistake is seen before the long ones begin.
_ORDER = ("root", "boot", "host")


def pytest_configure(config: pytest.Config) -> None:
    """Tests of single rooms that need a restic take it from the release of last time, if there is one.

    Started in the background by ``./check``, Python ignores an interrupt; here it must end what runs.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tool = _STORE / "lib/releases/current/tools/restic"
    if tool.exists():
        os.environ.setdefault("STEAD_RESTIC", str(tool.resolve()))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what boots, skip what needs root where there is none, run the cheap ones first."""
    for item in items:
        if _BOOTING & set(getattr(item, "fixturenames", ())):
            item.add_marker("boot")
        if run := _RUNS.get(item.path.parent.name):
            item.add_marker(run)
        if os.geteuid() and _known(item):
            item.add_marker(pytest.mark.skip(reason="needs root"))
    items.sort(key=lambda item: max((_ORDER.index(mark.name) + 1 for mark in _known(item)), default=0))


def _known(item: pytest.Item) -> list[pytest.Mark]:
    return [mark for mark in item.iter_markers() if mark.name in _ORDER]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Result[pytest.TestReport], None]:
    """A failed test also shows what its machines said."""
    report = (yield).get_result()
    if report.failed and (item.get_closest_marker("boot") or item.get_closest_marker("host")):
        from tests.rig.last_words import last_words

        report.sections += list(last_words(getattr(item, "funcargs", {}).values()))


@pytest.fixture(scope="session")
def release() -> Release:
    """The release that all tests boot."""
    from tests.rig import releases

    built = releases.ensure()
    os.environ["STEAD_TEST_RELEASE"] = str(built.tree)
    os.environ["STEAD_TEST_HOME"] = str(_STORE)
    os.environ["STEAD_RESTIC"] = str(built.folder / "tools/restic")
    return built


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> NewHome:
    """Makes homes under a short path of the run's folder."""
    from tests.rig.homes import new_home

    return new_home(tmp_path_factory.getbasetemp() / "h")


@pytest.fixture
def home(homes: NewHome) -> Iterator[Home]:
    """An empty home; taken apart afterwards, and nothing of it may be left."""
    with homes() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def live(homes: NewHome, release: Release) -> Iterator[Server]:
    """One running server for the whole run, with alice (the owner) and bob. Leave it as you found it."""
    from tests.rig.server import quick

    with homes() as fresh, quick(fresh, release) as server:
        yield server


@pytest.fixture
def fresh_live(home: Home, release: Release) -> Iterator[Server]:
    """A running server of the test's own: it may be broken, filled, stopped."""
    from tests.rig.server import quick

    with quick(home, release) as server:
        yield server


@pytest.fixture
def repository() -> Path:
    """The clone the tests run in."""
    return _REPOSITORY


@pytest.fixture(scope="session")
def lost(homes: NewHome, release: Release, tmp_path_factory: pytest.TempPathFactory) -> Lost:
    """A server that is no more: its kit, and its place."""
    from tests.rig.lost import lose

    return lose(homes, release, tmp_path_factory.mktemp("outside"))
