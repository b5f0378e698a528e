"""A server of this folder's own, and accounts on it that nobody has used yet."""

from __future__ import annotations

import imaplib
import itertools
import time
from collections.abc import Callable, Iterator

import pytest

from stead.release import Release
from stead.services.identity import Accounts
from tests.rig.homes import NewHome
from tests.rig.server import PASSWORD, Server, quick

_numbers = itertools.count(1)


@pytest.fixture(scope="package")
def house(homes: NewHome, release: Release) -> Iterator[Server]:
    """A running server."""
    with homes() as fresh, quick(fresh, release) as server:
        yield server


@pytest.fixture
def person(house: Server) -> Callable[[], str]:
    """Makes an account."""

    def make() -> str:
        name = f"person{next(_numbers)}"
        Accounts(house.home.data, house.settings.name).add(name, PASSWORD)
        house.people[name] = PASSWORD  # type: ignore[index]
        _wait_for(house, name)
        return name

    return make


def _wait_for(house: Server, name: str) -> None:
    """Dovecot looks at its list of accounts again after a moment."""
    until = time.monotonic() + 20
    while True:
        try:
            with house.imap(name):
                return
        except imaplib.IMAP4.error:
            assert time.monotonic() < until, f"{name} cannot log in"
            time.sleep(0.2)
