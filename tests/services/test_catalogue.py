"""The declarations together: nothing is claimed twice; the data tree is made from them, safely."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from stead import services
from stead.services import datatree
from stead.words.declaration import ConfigContext, DataFolder
from stead.words.errors import UsageError

UIDS = {"root": 0, "postfix": 610}
BASE = 524288


def context(public: bool) -> ConfigContext:
    return ConfigContext(
        domain="example.org" if public else "stead.test",
        hostname="mail.example.org" if public else "stead.test",
        public=public,
        rehearsal=False,
        outside="198.18.0.1",
        sink_port=2525,
        resolvers=(),
        relay=None,
        accounts=("alice",),
        owner="alice",
    )


@pytest.mark.parametrize("public", [True, False])
def test_nothing_is_claimed_twice_and_every_name_is_declared(public: bool) -> None:
    assert services.collisions(context(public)) == ()


def test_every_unit_of_ours_comes_with_its_file() -> None:
    shipped = {file.path.rpartition("/")[2] for file in services.tree_files()}
    wanted = [f for f in services.tree_files() if f.link and ".wants/" in f.path]
    assert wanted
    for file in wanted:
        assert file.path.rpartition("/")[2] in shipped


def test_binds_are_the_top_folders(tmp_path: Path) -> None:
    found = {bind.guest: bind.writable for bind in services.binds(tmp_path)}
    assert found["/data/identity"] is False and found["/data/tls"] is False and found["/data/keys"] is False
    assert found["/data/acme"] is True
    assert all(bind.host == tmp_path / bind.guest.rpartition("/")[2] for bind in services.binds(tmp_path))


def test_unknown_service() -> None:
    with pytest.raises(UsageError) as told:
        services.by_name("fax")
    assert "identity" in (told.value.hint or "")


@pytest.mark.skipif(os.geteuid() != 0, reason="owners need root")
def test_data_is_made_and_mended(tmp_path: Path) -> None:
    folders = [
        DataFolder("mail/queue", "root", 0o755),
        DataFolder("mail/x/y", "postfix"),
        DataFolder("tls", "root", 0o755, writable=False),
    ]

    def found() -> dict[str, tuple[int, int, int]]:
        paths = {p.relative_to(tmp_path).as_posix(): p.stat() for p in tmp_path.rglob("*") if p.is_dir()}
        return {n: (s.st_uid, s.st_gid, stat.S_IMODE(s.st_mode)) for n, s in paths.items()}

    datatree.prepare(tmp_path, folders, UIDS, UIDS)
    whole = found()
    assert whole == {
        "mail": (0, 0, 0o755),
        "mail/queue": (BASE, BASE, 0o755),
        "mail/x": (0, 0, 0o755),
        "mail/x/y": (BASE + 610, BASE + 610, 0o700),
        "tls": (0, 0, 0o755),
    }
    (tmp_path / "mail/x/y/letter").write_text("kept")
    os.chown(tmp_path / "mail/x/y", 5, 5)
    (tmp_path / "mail").chmod(0o700)
    (tmp_path / "mail/queue").rmdir()
    datatree.prepare(tmp_path, folders, UIDS, UIDS)
    assert found() == whole and (tmp_path / "mail/x/y/letter").read_text() == "kept"


@pytest.mark.skipif(os.geteuid() != 0, reason="owners need root")
def test_planted_links_and_files_lead_the_host_nowhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o751)
    data = tmp_path / "data"
    (data / "mail/x").mkdir(parents=True)
    (data / "mail/x/y").symlink_to(outside)
    (data / "mail/queue").write_text("not a folder")
    os.mkfifo(data / "tls")
    before = outside.stat()
    folders = [DataFolder("mail/queue", "root"), DataFolder("mail/x/y", "postfix"), DataFolder("tls", "root")]
    datatree.prepare(data, folders, UIDS, UIDS)
    assert (outside.stat().st_uid, outside.stat().st_mode) == (before.st_uid, before.st_mode)
    assert (data / "mail/x/y").is_dir() and not (data / "mail/x/y").is_symlink()
    assert [p.read_text() for p in (data / "mail").glob("queue.aside-*")] == ["not a folder"]


def test_the_whole_tree_can_be_prepared(tmp_path: Path) -> None:
    services.prepare_data(tmp_path)
    services.prepare_data(tmp_path)
    assert all((tmp_path / folder.path).is_dir() for folder in services.data_folders())
