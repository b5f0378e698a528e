"""A server of this folder's own, and accounts on it that nobody has used yet."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from stead.release import Release
from stead.services.identity import Accounts
from tests.rig.homes import NewHome
from tests.rig.server import PASSWORD, Server, served

_numbers = itertools.count(1)


@pytest.fixture(scope="package")
def house(homes: NewHome, release: Release) -> Iterator[Server]:
    """A running server."""
    with homes() as fresh, served(fresh, release) as server:
        yield server


@pytest.fixture
def person(house: Server) -> Callable[[], str]:
    """Makes an account."""

    def make() -> str:
        name = f"person{next(_numbers)}"
        Accounts(house.home.data, house.settings.name).add(name, PASSWORD)
        house.people[name] = PASSWORD  # type: ignore[index]
        return name

    return make
