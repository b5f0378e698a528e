"""Counting files follows no link and counts nothing twice."""

from __future__ import annotations

import os
from pathlib import Path

from stead.services.files import SERVICE


def test_files_are_counted_per_account_and_shared(tmp_path: Path) -> None:
    assert SERVICE.inventory is not None
    home, shared = tmp_path / "files/home", tmp_path / "files/shared"
    (home / "alice/deep/er").mkdir(parents=True)
    (home / "alice/deep/er/a").write_bytes(b"12345")
    (home / "alice/.stead-0123").write_bytes(b"being written")
    (home / "alice/out").symlink_to("/usr/bin")
    os.mkfifo(home / "alice/pipe")
    shared.mkdir()
    (shared / "b").write_bytes(b"12")
    (home / "bob").symlink_to("/usr")
    found = SERVICE.inventory(tmp_path, ("alice", "bob", "carol"))
    assert found.totals == {"files": 2, "bytes": 7}
    assert found.parts == {
        "alice/files": 1,
        "alice/bytes": 5,
        "bob/files": 0,
        "bob/bytes": 0,
        "carol/files": 0,
        "carol/bytes": 0,
        "shared/files": 1,
        "shared/bytes": 2,
    }


def test_nothing_there_is_nothing(tmp_path: Path) -> None:
    assert SERVICE.inventory is not None
    assert SERVICE.inventory(tmp_path, ()).totals == {"files": 0, "bytes": 0}
