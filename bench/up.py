"""A release beside plain mmdebstrap of the same packages, one after the other: ``python bench/up.py``.

Ours does more: fixed users, Python parts, restic, tidying, shifted owners, a manifest of every byte, the package list.
The bound is 1.5 times the plain time. Needs root, Debian's archive and about 2 GB below TMPDIR.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from stead.release import ReleaseStore, recipe_of
from stead.release.bootstrap import sources
from stead.run.process import run
from stead.services import SERVICES
from stead.words.home import Home
from stead.words.progress import Silent

BOUND = 1.5


def main() -> int:
    recipe = recipe_of(SERVICES)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        store = ReleaseStore(Home.at(folder / "home"))
        began = time.monotonic()
        release = store.build(recipe, Silent())
        ours = time.monotonic() - began
        steps = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in release.seconds.items())
        print(f"release {release.id}: {ours:.1f} s ({steps})", flush=True)
        (folder / "sources.list").write_text(sources(recipe), "utf-8")
        plain = ["mmdebstrap", "--mode=root", "--variant=apt", f"--include={','.join(recipe.packages)}", recipe.suite]
        began = time.monotonic()
        run([*plain, folder / "plain", folder / "sources.list"], timeout=3600)
        theirs = time.monotonic() - began
        print(f"plain mmdebstrap, {len(recipe.packages)} named packages: {theirs:.1f} s")
        print(f"ratio {ours / theirs:.2f} (bound {BOUND})")
    return 0 if ours <= BOUND * theirs else 1


if __name__ == "__main__":
    sys.exit(main())
