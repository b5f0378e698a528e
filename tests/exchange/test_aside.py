"""An empty folder is filled beside the Maildir, and what is whole takes its place, whatever happened meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from stead.exchange.aside import Aside, is_empty, left_over
from stead.exchange.folders import make


@pytest.fixture
def box(tmp_path: Path) -> Path:
    box = tmp_path / "Maildir"
    make(str(box), str(box))
    make(str(box), str(box / ".Work"))
    return box


def aside(box: Path, folder: Path, whole: str, half: str = "") -> Aside:
    """Filled with one message for each letter."""
    filled = Aside(str(box), str(folder))
    for name in whole + half:
        Path(filled.cur, name).write_text(f"message {name}")
    filled.note(whole)
    return filled


def names(folder: Path) -> str:
    return "".join(sorted(path.name for path in (folder / "cur").iterdir()))


@pytest.mark.parametrize("part", ["", ".Work"])
def test_what_is_whole_takes_the_place_of_an_empty_folder(box: Path, part: str) -> None:
    folder = box / part
    assert is_empty(str(folder))
    filled = aside(box, folder, "ab", half="c")
    filled.note("d")
    assert is_empty(str(folder)) and "stead-import" in {path.name for path in box.iterdir()}
    before = Path(filled.cur).stat().st_ino
    filled.show()
    assert names(folder) == "ab" and (folder / "cur/a").read_text() == "message a"
    assert (folder / "cur").stat().st_ino == before, "as a whole, not one by one"
    assert not (box / "stead-import").exists() and not is_empty(str(folder))


def test_what_came_in_meanwhile_stays(box: Path) -> None:
    filled = aside(box, box, "ab", half="c")
    (box / "cur/new one").touch()
    filled.show()
    assert names(box) == "abnew one" and not (box / "stead-import").exists()


def test_a_folder_that_was_deleted_meanwhile_is_made_again(box: Path) -> None:
    folder = box / ".Gone"
    make(str(box), str(folder))
    filled = aside(box, folder, "a")
    for path in ("cur", "new", "tmp"):
        (folder / path).rmdir()
    (folder / "maildirfolder").unlink()
    folder.rmdir()
    filled.show()
    assert names(folder) == "a" and (folder / "maildirfolder").exists() and (folder / "new").is_dir()


def test_what_a_kill_left_is_found_by_the_next_one(box: Path) -> None:
    aside(box, box, "ab", half="c")
    aside(box, box / ".Work", "", half="d")
    # Power went while a name was being noted: the message after it is on disk, but nobody knows.
    with (box / "stead-import/INBOX/whole").open("a") as file:
        file.write("e")
    Path(box / "stead-import/INBOX/cur/ef").touch()
    for left in left_over(str(box)):
        left.show()
    assert names(box) == "ab" and names(box / ".Work") == "" and not (box / "stead-import").exists()
    assert not list(left_over(str(box)))


def test_killed_after_the_last_step_but_one(box: Path) -> None:
    filled = aside(box, box, "ab")
    (box / "cur").rmdir()
    Path(filled.cur).rename(box / "cur")
    for left in left_over(str(box)):
        left.show()
    assert names(box) == "ab" and not (box / "stead-import").exists()
