from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from stead.release import Release, ReleaseStore
from stead.release.halfmade import building_folder, remove_half_made
from stead.words.errors import SteadError
from stead.words.home import Home

from .conftest import hand_made


def test_an_empty_home_has_no_release(home: Home) -> None:
    store = ReleaseStore(home)
    assert (store.current(), store.previous(), store.list()) == (None, None, ())
    with pytest.raises(SteadError, match="no release r-000000000000 here"):
        store.get("r-000000000000")
    with pytest.raises(SteadError):
        store.get("../etc")


def test_switching_remembers_the_previous_and_pruning_keeps_both(store: ReleaseStore) -> None:
    old, middle, new, spare = (hand_made(store, f"{n}", f"2026-01-0{n}T00:00:00+00:00") for n in (1, 2, 3, 4))
    for release in (old, middle, new, new):
        store.make_current(release.id)
    assert store.current() == new
    assert store.previous() == middle
    assert [release.id for release in store.list()] == [spare.id, new.id, middle.id, old.id]
    assert store.prune({spare.id}) == (old.id,)
    assert store.prune() == (spare.id,)
    assert {path.name for path in store.folder.iterdir()} == {"current", "previous", new.id, middle.id}


def test_a_release_is_read_as_it_was_written(store: ReleaseStore) -> None:
    written = hand_made(store, "x")
    assert store.get(written.id) == written
    assert written.tree.is_dir() and written.manifest.is_file()


def test_verify_names_what_changed(store: ReleaseStore) -> None:
    release = hand_made(store, "x")
    assert store.verify(release.id) == ()
    (release.tree / "etc/evil").write_text("x")
    (release.tree / "etc/hosts").write_text("y")
    found = store.verify(release.id)
    assert found[0] == "/etc/evil: not in the manifest"
    assert found[1].startswith("/etc/hosts: sha256")
    release.manifest.write_bytes(b"")
    assert store.verify(release.id) == (f"manifest.jsonl: its digest is not {release.id}",)


def test_a_missing_tool_is_named(store: ReleaseStore) -> None:
    made = hand_made(store, "x")
    Release(**{**vars(made), "tools": {"restic": "0" * 64}}).write(made.folder)
    assert store.verify(made.id) == ("tools/restic: missing or changed",)


def test_a_damaged_release_is_none(store: ReleaseStore) -> None:
    release = hand_made(store, "x")
    store.make_current(release.id)
    (release.folder / "release.json").write_text('{"id": ')
    assert store.current() is None
    assert store.list() == ()
    with pytest.raises(SteadError, match="not a whole release"):
        store.get(release.id)


def test_half_made_releases_go_when_their_builder_is_dead(store: ReleaseStore) -> None:
    dead, removed = store.folder / ".building-dead/tree", store.folder / ".removing-r-1/tree"
    dead.mkdir(parents=True)
    removed.mkdir(parents=True)
    with building_folder(store.folder) as alive:
        remove_half_made(store.folder)
        assert list(store.folder.iterdir()) == [alive]
    assert list(store.folder.iterdir()) == []


def test_a_build_that_was_renamed_stays(store: ReleaseStore) -> None:
    with building_folder(store.folder) as folder:
        folder.rename(store.folder / "r-1")
    assert (store.folder / "r-1").is_dir()


def test_a_lock_left_by_nobody_does_not_hold(store: ReleaseStore, tmp_path: Path) -> None:
    held = os.open(store.folder, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    os.close(held)
    remove_half_made(store.folder)
