"""What was written over a mounted copy, merged into the copy on disk: afterwards both show the same tree."""

from __future__ import annotations

import os
import random
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stead import data
from stead.recovery.merging import Merge
from stead.run import run
from stead.words.errors import UnprovenError
from stead.words.home import Home

pytestmark = pytest.mark.root


def lay_out(home: Home) -> Path:
    """A volume with a copy in it; the same tree is the stand-in's lower side and what was fetched."""
    data.ensure_volume(home, size=1 << 30)
    copy = home.data_mount / "copy"
    run(["btrfs", "subvolume", "create", copy], timeout=30)
    for box in ("alice", "bob/sub", "empty"):
        (copy / box).mkdir(parents=True)
    for number in range(40):
        (copy / "alice" / f"mail{number}").write_text(f"letter {number}")
        (copy / "bob/sub" / f"file{number}").write_bytes(os.urandom(200))
    (copy / "alice/link").symlink_to("mail1")
    os.chown(copy / "alice/mail2", 1234, 1234)
    data.stand_in(home, copy)
    return copy


def seen(root: Path) -> dict[str, tuple[object, ...]]:
    """Every file with what a service could see of it."""
    found: dict[str, tuple[object, ...]] = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            info = path.lstat()
            facts: list[object] = [stat.S_IFMT(info.st_mode), info.st_uid, info.st_gid]
            if stat.S_ISLNK(info.st_mode):
                facts.append(os.readlink(path))
            else:
                attributes = {a: os.getxattr(path, a) for a in os.listxattr(path) if a.startswith("user.")}
                facts += [stat.S_IMODE(info.st_mode), attributes]
            if stat.S_ISREG(info.st_mode):
                facts += [path.read_bytes(), info.st_mtime_ns]
            found[str(path.relative_to(root))] = tuple(facts)
    return found


def change(root: Path, dice: random.Random) -> None:
    """One thing a service might do."""
    files = sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink())
    folders = [root, *sorted(p for p in root.rglob("*") if p.is_dir() and not p.is_symlink())]
    one, folder, fresh = dice.choice(files), dice.choice(folders), f"n{dice.randrange(10**9)}"
    match dice.randrange(11):
        case 0:
            (folder / fresh).write_bytes(dice.randbytes(300))
        case 1:
            with one.open("ab") as out:
                out.write(b"more")
        case 2:
            one.unlink()
        case 3:
            one.rename(folder / fresh)
        case 4:
            (folder / fresh).mkdir()
        case 5 if folder != root and len(folders) > 3:
            shutil.rmtree(folder)
            if dice.random() < 0.7:  # made again at once: the layer's folder hides the copy's
                folder.mkdir()
                (folder / fresh).write_text("instead")
        case 6:
            one.chmod(dice.choice((0o600, 0o640)))
        case 7:
            os.link(one, folder / fresh)
        case 8:
            (folder / fresh).symlink_to(dice.choice(("../nowhere", "mail1")))
        case 9:
            os.setxattr(one, "user.stead", dice.randbytes(4))
        case _ if one.parent.name != "empty":
            one.unlink()
            one.mkdir()


@pytest.mark.parametrize("seed", range(6))
def test_both_show_the_same_in_the_end(home: Home, seed: int) -> None:
    dice = random.Random(seed)
    copy = lay_out(home)
    tree = home.data_mount / "tree"
    run(["btrfs", "subvolume", "snapshot", copy, tree], timeout=30)
    merge = Merge(data.written(home), tree)
    for _ in range(6):
        for _ in range(dice.randrange(30)):
            if any(p.is_file() and not p.is_symlink() for p in home.data.rglob("*")):
                change(home.data, dice)
        merge.round()
    assert seen(tree) == seen(home.data)
    assert merge.round() == 0, "a round with nothing changed changes nothing"


def test_a_merge_that_was_killed_begins_anew_from_what_was_fetched(home: Home) -> None:
    copy = lay_out(home)
    (home.data / "alice/new").write_text("came while it ran")
    (home.data / "alice/mail3").unlink()
    shutil.rmtree(home.data / "bob/sub")
    for _ in range(2):
        tree = home.data_mount / "tree"
        if tree.exists():
            run(["btrfs", "subvolume", "delete", tree], timeout=30)
        run(["btrfs", "subvolume", "snapshot", copy, tree], timeout=30)
        Merge(data.written(home), tree).round()
    assert seen(tree) == seen(home.data)
    assert not (tree / "bob/sub").exists() and not (tree / "alice/mail3").exists()


def test_no_picture_is_taken_of_a_stand_in(home: Home) -> None:
    lay_out(home)
    with pytest.raises(UnprovenError, match="coming back from a copy"):
        data.take_picture(home, datetime.now(UTC))
    data.end_stand_in(home)
    assert data.take_picture(home, datetime.now(UTC)).path.is_dir()
