"""Everything of one moment, in a folder of its own beside the live data: to look at and to take from, never over it."""

from __future__ import annotations

from pathlib import Path

from stead.backup import compare_with_manifest, first, load_known, restore_cold
from stead.restore.desk import Desk
from stead.restore.sources import Back, Source, say
from stead.run import run
from stead.words.errors import SteadError, UsageError


def newest(desk: Desk) -> Source:
    """The newest of the chosen copies: a picture where there is one of that moment."""
    return max(desk.chosen, key=lambda one: (one.moment, one.place is None))


def target(desk: Desk, source: Source, folder: Path | None) -> Path:
    """Where it goes: the owner's folder, or one named by its time beside the live data."""
    name = say(source.at).replace(" ", "-").replace(":", ".")
    return folder or (desk.home.data_mount if source.picture else desk.home.lib) / "beside" / name


def give_back(desk: Desk, source: Source, into: Path) -> Back:
    """Put everything of a copy into the new folder ``into``, every byte compared.

    A picture takes no room and no time where ``into`` lies on data's own file system.
    """
    if into.exists():
        raise UsageError(f"{into} is there already", hint="it is left as it is; give another folder with --to")
    into.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if source.picture is not None:
        with desk.progress.step("a copy of the picture"):
            _copy(source.picture.path, into)
        return Back(f"{_count(into)} files", str(into), source)
    assert source.place is not None
    with desk.progress.step(f"out of {source.place.name}"):
        back = restore_cold(desk.home, source.place, desk.program, source.snapshot, target=into, progress=desk.progress)
    known = load_known(desk.home, source.place.name).snapshot(source.snapshot)
    with desk.progress.step("comparing every byte"):
        compared = compare_with_manifest(back.path, digest=known.manifest if known else None)
    if compared.problems:
        raise SteadError(f"not every byte came back: {first(compared.problems, 3)}", hint="try another time or place")
    return Back(f"{back.files} files", str(back.path), source)


def _copy(picture: Path, into: Path) -> None:
    if run(["btrfs", "subvolume", "snapshot", "-r", picture, into], timeout=120, expect=()).code == 0:
        return
    run(["cp", "--archive", "--reflink=auto", picture, into], timeout=6 * 3600)


def _count(folder: Path) -> int:
    waiting: list[Path] = [folder]
    count = 0
    while waiting:
        for path in waiting.pop().iterdir():
            if path.is_dir() and not path.is_symlink():
                waiting.append(path)
            else:
                count += path.is_file()
    return count
