"""The restic that opens a place on a computer that has no release yet."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from stead.release.bootstrap import DEFAULT_MIRROR, GUARD, explain, sources
from stead.release.built import host_restic
from stead.release.recipe import Recipe
from stead.release.store import ReleaseStore
from stead.run.process import CommandError, run
from stead.words.home import Home
from stead.words.progress import Progress

#: Older ones have other exit codes and restore whole trees anew.
_LEAST = (0, 18)


def opener(home: Home, progress: Progress) -> Path:
    """A restic that is new enough: a release's, the computer's own, or Debian's, fetched once.

    SteadError in plain words when the mirror it would come from cannot be used.
    """
    for release in ReleaseStore(home).list():
        if host_restic(release).is_file():
            return host_restic(release)
    own = shutil.which("restic")
    if own is not None and _is_new_enough(own):
        return Path(own)
    kept = home.lib / "cache/restic-program"
    if not kept.exists():
        with progress.step("fetching the program that opens places", expected=10.0):
            _fetch(kept)
    return kept


def _is_new_enough(program: str) -> bool:
    try:
        said = run([program, "version"], timeout=20).out
    except CommandError:
        return False
    match = re.match(r"restic (\d+)\.(\d+)", said)
    return match is not None and (int(match[1]), int(match[2])) >= _LEAST


def _fetch(kept: Path) -> None:
    """Out of Debian's signed archive, unpacked only: nothing is installed on this computer."""
    half = kept.with_name(f"{kept.name}.new")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    recipe = Recipe(suite="trixie", packages=())
    (half / "sources.list").write_text(sources(recipe), "utf-8")
    words = ["mmdebstrap", "--quiet", "--mode=root", "--variant=extract", "--include=restic", recipe.suite]
    try:
        run([*GUARD, *words, half / "tree", half / "sources.list"], timeout=600)
    except CommandError as failed:
        if failed.result is None:
            raise
        raise explain(failed.result.err, DEFAULT_MIRROR) from failed
    (half / "tree/usr/bin/restic").chmod(0o755)
    (half / "tree/usr/bin/restic").rename(kept)
    shutil.rmtree(half)
