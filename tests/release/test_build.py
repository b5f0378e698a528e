"""Real builds: twice the same, and every way in which one can fail. Root; the first two need Debian's archive."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import textwrap
import time
from pathlib import Path

import pytest

from stead.release import Recipe, ReleaseStore, host_restic, python_parts
from stead.release.recipe import locked_python
from stead.run.process import run, start
from stead.words.declaration import TreeFile
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.progress import Silent

from .archive import Archive
from .conftest import hand_made

pytestmark = [pytest.mark.root, pytest.mark.apart]

TINY = Recipe(
    "trixie",
    packages=("python3-minimal",),
    files=(
        TreeFile("/usr/lib/stead/app/one.py", b"X = {'a', 'b', 'c'}\n"),
        TreeFile("/usr/lib/systemd/system/one.service", b"[Service]\n"),
        TreeFile("/etc/systemd/system/multi-user.target.wants/one.service", link="/usr/lib/systemd/system/one.service"),
    ),
)


def test_two_builds_are_equal_and_hold_what_they_promise(tmp_path: Path) -> None:
    first, second = (ReleaseStore(Home.at(tmp_path / name)) for name in "ab")
    release = first.build(TINY, Silent())
    before = os.umask(0o077)
    try:
        again = second.build(TINY, Silent())
    finally:
        os.umask(before)
    assert (first.current(), second.current()) == (None, None)
    assert release.manifest.read_bytes() == again.manifest.read_bytes()
    assert (release.id, release.sbom.read_bytes()) == (again.id, again.sbom.read_bytes())
    first.make_current(release.id)
    assert first.current() == release
    assert first.verify(release.id) == ()
    assert {path.name for path in first.folder.iterdir()} == {"current", release.id}
    _check_tree(release.tree)
    assert run([host_restic(release), "version"], timeout=30).out.startswith("restic 0.18")
    assert {"python3-minimal", "base-files"} <= {package.name for package in release.packages}


def _check_tree(tree: Path) -> None:
    assert not list(tree.glob("etc/ssl/private/*")) and not list((tree / "dev").iterdir())
    assert not (tree / "usr/sbin/policy-rc.d").exists() and not (tree / "var/lib/apt").exists()
    assert (tree / "etc/machine-id").read_bytes() == b""
    for root, folders, names in os.walk(tree):
        for name in (*folders, *names):
            info = os.lstat(os.path.join(root, name))
            assert 524288 <= info.st_uid < 589824 and 524288 <= info.st_gid < 589824
            assert not info.st_mode & 0o6000 or os.path.islink(os.path.join(root, name))
    compiled = next((tree / "usr/lib/stead/app").rglob("*.pyc"))
    assert compiled.read_bytes()[4:8] == b"\x01\x00\x00\x00"
    wants = tree / "etc/systemd/system/multi-user.target.wants"
    assert [link.name for link in wants.iterdir()] == ["one.service"]


def test_a_python_part_with_another_hash_is_refused(tmp_path: Path) -> None:
    wrong = tuple(line.split("sha256:")[0] + "sha256:" + "0" * 64 for line in locked_python() if "json5" in line)
    with pytest.raises(SteadError, match="not the one we know"):
        python_parts.fetch(wrong, tmp_path / "python")


def test_a_mirror_that_is_down_changes_nothing(store: ReleaseStore) -> None:
    present = hand_made(store, "x")
    store.make_current(present.id)
    _refused(store, dataclasses.replace(TINY, mirror="http://127.0.0.1:1"), "the mirror does not answer")
    assert store.current() == present


def test_a_truncated_package_is_refused(store: ReleaseStore, archive: Archive) -> None:
    archive.package.write_bytes(archive.package.read_bytes()[:-100])
    _refused(store, dataclasses.replace(TINY, mirror=archive.mirror), "damaged or incomplete")


def test_a_changed_package_is_refused(store: ReleaseStore, archive: Archive) -> None:
    archive.package.write_bytes(archive.package.read_bytes()[:-1] + b"!")
    _refused(store, dataclasses.replace(TINY, mirror=archive.mirror), "damaged or incomplete")


def test_a_bad_signature_is_refused(store: ReleaseStore, archive: Archive) -> None:
    archive.spoil_signature()
    _refused(store, dataclasses.replace(TINY, mirror=archive.mirror), "signature is not valid")


def test_a_key_that_is_not_there_is_named(store: ReleaseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEAD_KEYRING", "/nonexistent.gpg")
    _refused(store, TINY, "public keys are not on this host")


def test_a_disk_that_is_too_small_is_told_before_anything(store: ReleaseStore) -> None:
    run(["mount", "-t", "tmpfs", "-o", "size=50m", "tmpfs", store.folder], timeout=30)
    try:
        _refused(store, TINY, r"needs 1\.5 GB of disk, and .* has 5\d\.\d MB free")
    finally:
        run(["umount", store.folder], timeout=30)


def test_a_builder_that_is_killed_leaves_no_process_no_mount_and_no_release(store: ReleaseStore) -> None:
    builder = start(_building(store.home), env={"PYTHONPATH": os.pathsep.join(sys.path)})
    try:
        _wait_for(lambda: any(store.folder.glob(".building-*/tree/usr/bin/dpkg")), 120)
        half_made = next(store.folder.glob(".building-*"))
    finally:
        builder.send_signal(signal.SIGKILL)
        builder.wait()
    _wait_for(lambda: str(half_made) not in _command_lines(), 10)
    assert str(store.folder) not in Path("/proc/self/mountinfo").read_text()
    assert store.list() == () and half_made.is_dir()
    _refused(store, dataclasses.replace(TINY, mirror="http://127.0.0.1:1"), "does not answer")


def test_an_interrupted_build_cleans_up_at_once(store: ReleaseStore) -> None:
    builder = start(_building(store.home), env={"PYTHONPATH": os.pathsep.join(sys.path)})
    _wait_for(lambda: any(store.folder.glob(".building-*/tree/var/lib/apt")), 60)
    builder.send_signal(signal.SIGINT)
    builder.wait(timeout=30)
    assert list(store.folder.iterdir()) == []


def _refused(store: ReleaseStore, recipe: Recipe, words: str) -> None:
    before = {path.name for path in store.folder.iterdir() if not path.name.startswith(".building-")}
    with pytest.raises(SteadError, match=words) as refused:
        store.build(recipe, Silent())
    assert refused.value.hint
    assert {path.name for path in store.folder.iterdir()} == before


def _building(home: Home) -> list[str]:
    program = textwrap.dedent("""
        import signal
        import sys
        from pathlib import Path
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin with it ignored
        from stead.release import Recipe, ReleaseStore
        from stead.words.home import Home
        from stead.words.progress import Silent
        ReleaseStore(Home.at(Path(sys.argv[1]))).build(Recipe("trixie", ("python3-minimal",)), Silent())
    """)
    return [sys.executable, "-c", program, str(home.lib.parent)]


def _command_lines() -> str:
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_text(errors="replace"))
        except OSError:
            continue
    return "\n".join(lines)


def _wait_for(true: object, seconds: float) -> None:
    assert callable(true)
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)
