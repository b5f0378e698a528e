from __future__ import annotations

import os
from pathlib import Path

import pytest

from stead.data import Grown, check, ensure_volume, grow_if_needed, loop, scrub, unmount
from stead.data.mounts import mount_at
from stead.data.room import reserve, spare
from stead.run import run
from stead.run import unmount as let_mount_go
from stead.words.errors import SteadError, UsageError
from stead.words.home import Home
from stead.words.verdict import Finding

pytestmark = pytest.mark.root
MB = 1000**2


def test_it_is_mounted_so_that_nothing_in_it_is_ever_a_program(home: Home) -> None:
    mounted = mount_at(home.data_mount)
    assert mounted is not None and {"noexec", "nosuid", "nodev", "noatime"} <= mounted.options
    assert home.data.is_dir() and home.pictures.is_dir()
    assert check(home) == ()


def test_twice_is_once_and_after_a_reboot_everything_is_still_there(home: Home) -> None:
    (home.data / "mail").write_text("x")
    again = ensure_volume(home)
    assert run(["losetup", "-n", "-O", "NAME", "-j", home.data_image], timeout=20).out.split() == [again.device]
    unmount(home)
    assert loop.attached(home.data_image) is None and mount_at(home.data_mount) is None
    unmount(home)
    ensure_volume(home)
    assert (home.data / "mail").read_text() == "x"


def test_the_device_of_a_deleted_image_is_let_go_of(home: Home) -> None:
    device = loop.attached(home.data_image)
    home.data_image.unlink()
    unmount(home)
    assert device and not loop.holding(home.data_image)


def test_other_loop_devices_are_left_alone(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other.img"
    other.write_bytes(bytes(MB))
    name, _ = loop.attach(other)
    try:
        unmount(home)
        assert loop.attached(other) == name
    finally:
        loop.detach(name)


def test_a_missing_device_node_is_made(home: Home) -> None:
    unmount(home)
    node = run(["losetup", "--find"], timeout=20).out.strip()
    os.unlink(node)
    try:
        volume = ensure_volume(home)
        assert volume.device is not None and os.path.exists(node)
    finally:
        loop.ensure_node(node)


def test_half_made_images_are_not_used(empty_home: Home) -> None:
    empty_home.lib.mkdir(parents=True)
    half_made = empty_home.data_image.with_name("data.img.new")
    half_made.write_bytes(b"not a file system")
    ensure_volume(empty_home, size=256 * MB)
    assert not half_made.exists() and check(empty_home) == ()


def test_the_image_grows_before_it_is_full(empty_home: Home) -> None:
    ensure_volume(empty_home, size=200 * MB)
    assert grow_if_needed(empty_home) is None
    (empty_home.data / "big").write_bytes(os.urandom(170 * MB))
    os.sync()
    grown = grow_if_needed(empty_home)
    assert isinstance(grown, Grown) and grown.before == 200 * MB and grown.after >= 400 * MB
    disk = os.statvfs(empty_home.data_mount)
    assert disk.f_blocks * disk.f_frsize == pytest.approx(grown.after, rel=0.02)
    assert (empty_home.data / "big").stat().st_size == 170 * MB


def test_the_hosts_last_disk_space_is_never_taken(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.touch()
    os.truncate(disk, 3000 * MB)
    run(["mkfs.ext4", "-q", "-m", "0", disk], timeout=60)
    mount = tmp_path / "disk"
    mount.mkdir()
    name, _ = loop.attach(disk)
    run(["mount", name, mount], timeout=20)
    home = Home.at(mount / "home")
    try:
        home.lib.mkdir(parents=True)
        assert reserve(mount) == 2000 * MB
        ensure_volume(home, size=200 * MB)
        (home.data / "big").write_bytes(os.urandom(170 * MB))
        filler = mount / "filler"
        run(["fallocate", "-l", str(spare(mount) - 100 * MB), filler], timeout=60)
        refused = grow_if_needed(home)
        assert isinstance(refused, Finding) and "no room" in refused.what
        unmount(home)
        home.data_image.unlink()
        with pytest.raises(SteadError, match=r"more are needed"):
            ensure_volume(home)
        assert not home.data_image.exists()
    finally:
        unmount(home)
        # Other tests look through all loop devices, and hold each for an instant.
        let_mount_go(mount, patience=10)
        loop.detach(name)


def test_a_read_only_volume_is_an_alarm(home: Home) -> None:
    run(["mount", "-o", "remount,ro", home.data_mount], timeout=20)
    assert [finding.id for finding in check(home)] == ["data-read-only"]


def test_damage_is_found_by_reading_everything_back(home: Home) -> None:
    content = os.urandom(MB)
    (home.data / "file").write_bytes(content)
    unmount(home)
    image = home.data_image.read_bytes()
    at = image.index(content[:4096])
    with home.data_image.open("r+b") as file:
        file.seek(at + 100)
        file.write(b"damage")
    ensure_volume(home)
    assert "data-scrub-errors" in [finding.id for finding in scrub(home)]
    assert "data-device-errors" in [finding.id for finding in check(home)]


def test_not_mounted_is_an_alarm(empty_home: Home) -> None:
    assert [finding.id for finding in check(empty_home)] == ["data-not-mounted"]


def test_the_owners_own_btrfs_is_used_where_it_is(home: Home, tmp_path: Path) -> None:
    other = Home.at(tmp_path / "other")
    own = home.data_mount / "own"
    own.mkdir()
    try:
        assert ensure_volume(other, own_btrfs=own).device is None
        mounted = mount_at(other.data_mount)
        assert mounted is not None and {"noexec", "nosuid", "nodev", "noatime"} <= mounted.options
        (other.data / "x").write_text("x")
        assert ensure_volume(other, own_btrfs=own).device is None
        assert (own / "stead/live/x").exists() and not other.data_image.exists()
        assert check(other) == ()
    finally:
        unmount(other)


def test_a_folder_on_another_file_system_is_refused(empty_home: Home, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not on btrfs"):
        ensure_volume(empty_home, own_btrfs=tmp_path)


def test_a_busy_volume_says_so_and_stays(home: Home) -> None:
    with (home.data / "open").open("w"), pytest.raises(SteadError) as refused:
        unmount(home)
    assert refused.value.hint and "fuser" in refused.value.hint
    assert mount_at(home.data_mount) is not None
