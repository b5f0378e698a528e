"""The one release that all tests boot: built when the recipe changed or a week has passed, else the one of last time.

It lies in ``.check/home`` of the clone (or in ``STEAD_TEST_HOME``), so a fresh clone builds its own.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stead import services
from stead.release import Release, ReleaseStore, recipe_digest, recipe_of
from stead.words.home import Home
from stead.words.progress import Silent

REPOSITORY = Path(__file__).resolve().parents[2]
_OLD = timedelta(days=7)


def store_home() -> Home:
    """The home whose release store the tests share; no machine is ever booted in it."""
    return Home.at(Path(os.environ.get("STEAD_TEST_HOME") or REPOSITORY / ".check" / "home"))


def present() -> Release | None:
    """The release built last, whatever its recipe was."""
    return ReleaseStore(store_home()).current()


def ensure() -> Release:
    """The release of today's recipe, built if it is not there yet. One process builds, others wait for it."""
    home = store_home()
    store, recipe = ReleaseStore(home), recipe_of(services.SERVICES)
    with alone(home.lib):
        found = store.current()
        fresh = found is not None and datetime.now(UTC) - found.built_at < _OLD
        if found is None or not fresh or found.recipe != recipe_digest(recipe):
            found = store.build(recipe, Silent())
            store.make_current(found.id)
            store.prune()
    return found


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else of this clone's tests makes something in ``folder`` meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "tests.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    release = ensure()
    steps = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in release.seconds.items())
    sys.stdout.write(f"{release.id} ({steps})\n")
