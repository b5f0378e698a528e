"""Files back: under their name when it is free, beside what is newer when it is not; folders, shared ones, the page."""

from __future__ import annotations

import time
from datetime import datetime
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.restore.conftest import Owner
from tests.services.files.dav import Client

OLD = 1_700_000_000


@pytest.fixture
def alice(owner: Owner) -> Client:
    return Client(owner.server, "alice")


@pytest.fixture
def name() -> str:
    return f"n{uuid4().hex[:8]}"


def store(client: Client, path: str, words: str) -> None:
    answer = client.ask("PUT", quote(path), words.encode(), {"X-OC-Mtime": str(OLD)})
    assert answer.status in (201, 204), answer.status


def text(client: Client, path: str) -> str | None:
    answer = client.ask("GET", quote(path))
    return answer.text if answer.status == 200 else None


def test_a_deleted_file_is_back_with_its_date(owner: Owner, alice: Client, name: str) -> None:
    store(alice, f"/files/alice/{name}.txt", "one")
    owner.picture()
    alice.ask("DELETE", f"/files/alice/{name}.txt")
    with owner.without_place():
        answer = owner.restore("file", "alice", f"{name}.txt", "--yes")
    assert "picture" in answer["done"][0]
    assert text(alice, f"/files/alice/{name}.txt") == "one"
    file = owner.server.home.data / f"files/home/alice/{name}.txt"
    assert int(file.stat().st_mtime) == OLD and file.stat().st_uid == file.parent.stat().st_uid


def test_a_deleted_file_is_back_from_a_place(owner: Owner, alice: Client, name: str) -> None:
    path = f"/files/alice/{name} ä [1]*.txt"
    store(alice, path, "from afar")
    snapshot = owner.backup()
    alice.ask("DELETE", quote(path))
    owner.backup()
    owner.no_pictures()
    answer = owner.restore("file", "alice", f"{name} ä [1]*.txt", "--yes")
    assert answer["done"][0]["snapshot"] == snapshot
    assert text(alice, path) == "from afar"


def test_a_newer_file_stays_and_the_older_comes_beside_it(owner: Owner, alice: Client, name: str) -> None:
    path = f"/files/alice/{name}.txt"
    store(alice, path, "old")
    owner.picture()
    then = datetime.now().astimezone().isoformat()
    time.sleep(1.1)
    store(alice, path, "the newer one")
    owner.picture()
    owner.backup()
    told = owner.stead("file", "alice", f"{name}.txt", "--as-of", then, "--dry-run")
    assert "stays" in told.out and "beside it" in told.out
    answer = owner.restore("file", "alice", f"{name}.txt", "--as-of", then, "--yes")
    beside = answer["done"][0]["where"]
    assert text(alice, path) == "the newer one"
    assert beside.startswith(f"/alice/{name} (20") and beside.endswith(").txt")
    assert text(alice, f"/files{beside}") == "old"
    again = owner.restore("file", "alice", f"{name}.txt", "--as-of", then, "--yes")
    assert again["done"][0]["there_already"]


def test_all_versions_are_listed(owner: Owner, alice: Client, name: str) -> None:
    for words in ("1", "22", "333"):
        store(alice, f"/files/alice/{name}.txt", words)
        time.sleep(1.1)
        owner.picture()
    listed = owner.stead("file", "alice", f"{name}.txt")
    assert listed.code == 1 and "2 B" in listed.out and "1 B" in listed.out and "3 B" not in listed.out
    owner.restore("file", "alice", f"{name}.txt", "--pick", "2", "--yes")
    found = [path.read_text() for path in (owner.server.home.data / "files/home/alice").glob(f"{name} (*")]
    assert found == ["1"]


@pytest.mark.parametrize("far", [False, True])
def test_a_folder_is_back_whole_or_beside(owner: Owner, alice: Client, name: str, far: bool) -> None:
    alice.ask("MKCOL", f"/files/alice/{name}")
    alice.ask("MKCOL", f"/files/alice/{name}/in")
    store(alice, f"/files/alice/{name}/a", "a")
    store(alice, f"/files/alice/{name}/in/b c", "b")
    owner.backup()
    owner.picture()
    if far:
        owner.no_pictures()
    left = owner.server.home.lib / "cache/restore-999999999-x"
    left.mkdir(exist_ok=True)
    alice.ask("DELETE", f"/files/alice/{name}/in")
    store(alice, f"/files/alice/{name}/a", "newer")
    answer = owner.restore("file", "alice", name, "--as-of", "0s", "--yes")
    assert len(answer["done"]) == 2 and text(alice, f"/files/alice/{name}/a") == "newer"
    assert left.exists() != far, "what a killed restore left is taken away by the next one"
    beside = answer["done"][0]["where"].rpartition("/")[0]
    assert text(alice, f"/files{beside}/a") == "a" and text(alice, f"/files{beside}/in/b c") == "b"
    alice.ask("DELETE", f"/files/alice/{name}")
    owner.restore("file", "alice", f"/{name}/", "--as-of", "0s", "--yes")
    assert text(alice, f"/files/alice/{name}/a") == "a" and text(alice, f"/files/alice/{name}/in/b c") == "b"


@pytest.mark.parametrize("common", ["shared", "site"])
def test_common_files_come_back(owner: Owner, alice: Client, name: str, common: str) -> None:
    store(alice, f"/files/{common}/{name}.html", "page")
    owner.backup()
    alice.ask("DELETE", f"/files/{common}/{name}.html")
    owner.restore("file", common, f"{name}.html", "--yes")
    assert text(alice, f"/files/{common}/{name}.html") == "page"
    if common == "site":
        assert text(alice, f"/{name}.html") == "page", "the web server may read it"


def test_a_part_of_a_name_is_searched(owner: Owner, alice: Client, name: str) -> None:
    store(alice, f"/files/alice/{name}-tax-2025.pdf", "t")
    store(alice, f"/files/alice/{name}-tax-2026.pdf", "t")
    owner.backup()
    alice.ask("DELETE", f"/files/alice/{name}-tax-2025.pdf")
    listed = owner.stead("file", "alice", f"{name}-TAX")
    assert listed.code == 1 and listed.out.index("tax-2025") < listed.out.index("tax-2026")
    owner.restore("file", "alice", f"{name}-tax-2025", "--yes")
    assert text(alice, f"/files/alice/{name}-tax-2025.pdf") == "t"


def test_what_was_never_there_and_what_leads_out(owner: Owner, name: str) -> None:
    owner.backup()
    nothing = owner.stead("file", "alice", f"{name}.txt", "--yes")
    assert nothing.code == 1 and "looked through" in nothing.err
    early = owner.stead("file", "alice", f"{name}.txt", "--as-of", "2001-01-01")
    assert early.code == 2 and "the oldest copy" in early.err
    out = owner.stead("file", "alice", "../bob/secret", "--yes")
    assert out.code == 2 and "leads out" in out.err
    odd = owner.stead("file", "alice", "x", "--as-of", "some day")
    assert odd.code == 2 and "is no time" in odd.err


def test_a_link_in_a_picture_leads_nowhere(owner: Owner, name: str) -> None:
    home = owner.server.home.data / "files/home/alice"
    (home / name).symlink_to("/etc")
    (home / f"{name}.file").symlink_to("/etc/hostname")
    owner.picture()
    (home / name).unlink()
    (home / f"{name}.file").unlink()
    for path in (f"{name}/hostname", f"{name}.file", name):
        assert owner.stead("file", "alice", path, "--yes").code == 1, path
