"""Properties and locks outlive the program, and follow what is copied, moved and removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stead.services.files.guest.store import Locks, Properties, Store


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "properties.db")


def lock(**changed: Any) -> dict[str, Any]:
    return {
        "depth": "0",
        "owner": b"<o/>",
        "principal": "alice",
        "scope": "exclusive",
        "type": "write",
        "timeout": 60,
    } | changed


def held(locks: Locks, path: str, *, below: bool = False) -> list[str]:
    found = locks.get_lock_list(path, include_root=not below, include_children=below, token_only=True)
    return [str(token) for token in found]


def test_properties_outlive_the_program(file: str) -> None:
    Properties(Store(file)).write_property("/alice/a", "{x:}colour", b"<c>red</c>")
    again = Properties(Store(file))
    assert again.get_properties("/alice/a") == ["{x:}colour"]
    assert again.get_property("/alice/a", "{x:}colour") == "<c>red</c>"
    again.write_property("/alice/a", "{x:}colour", b"<c>blue</c>", dry_run=True)
    assert again.get_property("/alice/a", "{x:}colour") == "<c>red</c>"


def test_properties_follow_a_moved_folder_and_no_neighbour(file: str) -> None:
    properties = Properties(Store(file))
    for path in ("/alice/dir/", "/alice/dir/a/b", "/alice/dir2/c"):
        properties.write_property(path, "{x:}n", path.encode())
    properties.move_properties("/alice/dir/", "/alice/new/", with_children=True)
    assert properties.get_property("/alice/new", "{x:}n") == "/alice/dir/"
    assert properties.get_property("/alice/new/a/b", "{x:}n") == "/alice/dir/a/b"
    assert properties.get_properties("/alice/dir") == []
    assert properties.get_properties("/alice/dir/a/b") == []
    assert properties.get_property("/alice/dir2/c", "{x:}n") == "/alice/dir2/c"


def test_a_copy_has_its_own_properties_only(file: str) -> None:
    properties = Properties(Store(file))
    properties.write_property("/alice/a", "{x:}n", b"1")
    properties.write_property("/alice/b", "{x:}old", b"2")
    properties.copy_properties("/alice/a", "/alice/b")
    assert properties.get_properties("/alice/b") == ["{x:}n"]
    assert properties.get_properties("/alice/a") == ["{x:}n"]


def test_removing_a_folder_forgets_all_below_it(file: str) -> None:
    properties = Properties(Store(file))
    properties.write_property("/alice/dir/a", "{x:}n", b"1")
    properties.remove_properties("/alice/dir/")
    assert properties.get_properties("/alice/dir/a") == []


def test_locks_outlive_the_program(file: str) -> None:
    token = Locks(Store(file)).create("/alice/a", lock())["token"]
    locks = Locks(Store(file))
    assert held(locks, "/alice/a") == [token]
    assert held(locks, "/alice", below=True) == [token]
    assert held(locks, "/", below=True) == [token]
    assert held(locks, "/alic", below=True) == []
    kept = locks.get(token)
    assert kept is not None and kept["owner"] == b"<o/>"
    assert locks.delete(token) and not locks.delete(token)
    assert held(locks, "/alice/a") == []


def test_no_lock_is_for_ever(file: str) -> None:
    locks = Locks(Store(file))
    assert locks.create("/alice/a", lock(timeout=-1))["timeout"] == 86400
    expired = locks.create("/alice/b", lock())["token"]
    store = Store(file)
    with store.writing() as base:
        base.execute("UPDATE lock SET expire = 1 WHERE token = ?", (expired,))
    assert locks.get(expired) is None
    with pytest.raises(ValueError, match="no such lock"):
        locks.refresh(expired, timeout=60)


def test_a_damaged_file_is_put_aside(file: str) -> None:
    Path(file).write_bytes(b"this is not a database" * 1000)
    properties = Properties(Store(file))
    properties.write_property("/alice/a", "{x:}n", b"1")
    assert properties.get_properties("/alice/a") == ["{x:}n"]
    assert Path(f"{file}.damaged").exists()
