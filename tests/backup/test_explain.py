from __future__ import annotations

import os
from pathlib import Path

from stead.backup import explained, outside_data, undeclared
from stead.words.declaration import DataFolder, Saved
from stead.words.home import Home

FOLDERS = (
    ("mail", DataFolder("mail", "vmail")),
    ("mail", DataFolder("mail/cache", "vmail", saved=Saved.NO, why="made anew")),
    ("web", DataFolder("web", "www")),
)


def test_each_folder_is_weighed_once_and_links_are_not_followed(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    (home.data / "mail/cache").mkdir(parents=True)
    (home.data / "mail/a").write_bytes(b"x" * 10)
    (home.data / "mail/cache/b").write_bytes(b"x" * 7)
    (home.data / "strange").mkdir()
    os.symlink("/usr", home.data / "mail/link")
    mail, cache, web = explained(home, FOLDERS)
    assert (mail.files, mail.size) == (1, 10) and (cache.files, cache.size, cache.why) == (1, 7, "made anew")
    assert web.size is None
    assert undeclared(home, FOLDERS) == ("strange",)


def test_state_outside_data_is_named_and_what_every_boot_writes_is_not(tmp_path: Path) -> None:
    for name, size in (
        ("etc/machine-id", 33),
        ("var/log/journal/x", 900),
        ("run/pid", 3),
        ("var/lib/systemd/seed", 512),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size)
    assert outside_data(tmp_path) == ()
    (tmp_path / "var/lib/redis").mkdir()
    (tmp_path / "var/lib/redis/dump.rdb").write_bytes(b"x" * 100)
    (tmp_path / "var/log/journal/y").write_bytes(b"x" * 2_000_000)
    assert [(one.path, one.files) for one in outside_data(tmp_path)] == [("/var/lib/redis", 1), ("/var/log/journal", 2)]
    assert outside_data(tmp_path / "none") == ()
