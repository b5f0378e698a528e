"""A release beside plain mmdebstrap of the same packages, one after the other: ``python bench/up.py``.

Ours does more: fixed users, Python parts, restic, tidying, shifted owners, a manifest of every byte, the package list.
The bound is 1.5 times the plain time. Needs root, Debian's archive and about 2 GB below TMPDIR.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from stead.release import ReleaseStore, recipe_of
from stead.release.bootstrap import GUARD, sources
from stead.run.process import run
from stead.services import SERVICES
from stead.words.home import Home
from stead.words.progress import Silent

BOUND = 1.5


def timed(words: str, act: Callable[[], object]) -> float:
    """Wall seconds; with processor seconds and load beside them, for on a busy computer only those can be compared."""
    began, before = time.monotonic(), _processor()
    act()
    seconds = time.monotonic() - began
    print(
        f"{words}: {seconds:.1f} s, processor {_processor() - before:.1f} s, load {os.getloadavg()[0]:.1f}", flush=True
    )
    return seconds


def _processor() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> int:
    recipe = recipe_of(SERVICES)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        store = ReleaseStore(Home.at(folder / "home"))
        ours = timed("release", lambda: store.build(recipe, Silent()))
        steps = store.list()[0].seconds.items()
        print("  of which " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in steps), flush=True)
        (folder / "sources.list").write_text(sources(recipe), "utf-8")
        plain = [
            *GUARD,
            "mmdebstrap",
            "--mode=root",
            "--variant=apt",
            f"--include={','.join(recipe.packages)}",
            recipe.suite,
        ]
        command: list[str | Path] = [*plain, folder / "plain", folder / "sources.list"]
        theirs = timed("plain mmdebstrap, the same packages", lambda: run(command, timeout=3600))
        print(f"ratio {ours / theirs:.2f} (bound {BOUND})")
    return 0 if ours <= BOUND * theirs else 1


if __name__ == "__main__":
    sys.exit(main())
