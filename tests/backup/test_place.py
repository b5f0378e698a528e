from __future__ import annotations

import os
from pathlib import Path

import pytest

from stead.backup import Kind, Place, PlaceUnreachable, ensure_place, kind_of, same_disk, url_without_secrets
from stead.backup.place import credentials, split_url
from stead.backup.restic import Restic, ask
from stead.backup.troubles import (
    NoSuchSnapshot,
    PlaceBusy,
    PlaceClock,
    PlaceDamaged,
    PlaceFull,
    PlaceReadOnly,
    PlaceRefuses,
    WrongPassword,
    error_lines,
    refuses,
    trouble,
)
from stead.data import loop
from stead.run import run
from stead.words.errors import SteadError
from stead.words.home import Home

from .conftest import Rig


@pytest.mark.parametrize(
    ("url", "kind", "shown", "env"),
    [
        ("/mnt/disk", Kind.FOLDER, "/mnt/disk", {}),
        ("sftp:me@attic:/stead", Kind.SFTP, "sftp:me@attic:/stead", {}),
        ("sftp://me@attic:2222//stead", Kind.SFTP, "sftp://me@attic:2222//stead", {}),
        (
            "rest:https://me:s%40crt@attic:8000/x",
            Kind.REST,
            "rest:https://attic:8000/x",
            {"RESTIC_REST_USERNAME": "me", "RESTIC_REST_PASSWORD": "s@crt"},
        ),
        ("rest:http://attic/x", Kind.REST, "rest:http://attic/x", {}),
        (
            "s3:https://KEY:SECRET@s3.example.net/bucket/x",
            Kind.S3,
            "s3:https://s3.example.net/bucket/x",
            {"AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": "SECRET"},
        ),
        ("s3:s3.example.net/bucket", Kind.S3, "s3:s3.example.net/bucket", {}),
        ("rclone:remote:folder", Kind.RCLONE, "rclone:remote:folder", {}),
        ("b2:bucket:path", Kind.OTHER, "b2:bucket:path", {}),
    ],
)
def test_secrets_in_an_address_reach_restic_and_nobody_else(
    url: str, kind: Kind, shown: str, env: dict[str, str]
) -> None:
    assert (kind_of(url), url_without_secrets(url), split_url(url)[1]) == (kind, shown, env)
    place = Place("attic", url, Path("/password"))
    assert not any(secret in repr(place) for secret in ("s%40crt", "SECRET"))


def test_credentials_come_from_a_file_of_lines(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("# the bucket's key\nB2_ACCOUNT_ID=1\nB2_ACCOUNT_KEY = a=b\n\n")
    place = Place("attic", "b2:bucket:path", Path("/password"), credentials_file=file)
    assert credentials(place) == {"B2_ACCOUNT_ID": "1", "B2_ACCOUNT_KEY": "a=b"}


@pytest.mark.parametrize(
    ("code", "stderr", "noun"),
    [
        (
            12,
            '{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}',
            WrongPassword,
        ),
        (1, "dial tcp 127.0.0.1:9: connect: connection refused", PlaceUnreachable),
        (1, 'Stat returned error, retrying after 1s: Head "http://a/": dial tcp: no such host', PlaceUnreachable),
        (1, '{"message_type":"exit_error","message":"LoadRaw(<index/39a3>): invalid data returned"}', PlaceDamaged),
        (1, "Save(<data/ae>) failed: write /x: no space left on device", PlaceFull),
        (1, "Save(<data/ae>) failed: unexpected HTTP response (507): 507 Insufficient Storage", PlaceFull),
        (1, "Save(<lock/ae>) failed: open /x/locks/ae-tmp-1: read-only file system", PlaceReadOnly),
        (1, 'OpenFile /x/locks/ae: sftp: "Failure" (SSH_FX_FAILURE)', PlaceReadOnly),
        (1, "unable to open config file: unexpected HTTP response (403): 403 Forbidden", PlaceRefuses),
        (1, "me@attic: Permission denied (publickey).", PlaceRefuses),
        (1, "Stat: The difference between the request time and the current time is too large.", PlaceClock),
        (11, "unable to create lock in backend: repository is already locked", PlaceBusy),
        (10, "Fatal: repository does not exist", PlaceDamaged),
        (1, "no matching ID found for prefix abc", NoSuchSnapshot),
        (1, "something nobody knows", SteadError),
    ],
)
def test_what_restic_says_becomes_a_noun(code: int, stderr: str, noun: type[Exception]) -> None:
    assert type(trouble("attic", code, stderr)) is noun


def test_what_ssh_says_is_the_cause_and_a_greeting_is_none() -> None:
    greeting = "subprocess ssh: This computer is for friends: access denied to all others."
    ssh = "Connection timed out during banner exchange"
    restic = "Fatal: unable to start the sftp session, error: error receiving version packet: unexpected EOF"
    told = trouble("attic", 1, f"{greeting}\n{ssh}\n{restic}\n")
    assert type(told) is PlaceUnreachable and "timed out" in str(told) and "friends" not in str(told)
    without = trouble("attic", 1, f"{greeting}\n{restic}\n")
    assert type(without) is PlaceUnreachable and "version packet" in str(without), "without ssh's words those of restic"
    assert error_lines(greeting) == ()


def test_what_is_tried_again_in_vain_is_a_refusal_only_when_waiting_will_not_help() -> None:
    again = "Save(<data/ae>) returned error, retrying after 4.1s: unexpected HTTP response "
    assert type(refuses("attic", f"{again}(500): 500\n{again}(403): 403 Forbidden\n")) is PlaceRefuses
    assert refuses("attic", f"{again}(500): 500 Internal Server Error\n") is None
    assert refuses("attic", "unexpected HTTP response (403): 403 Forbidden\n") is None, "it ended, or will"
    assert refuses("attic", "") is None


def test_of_a_check_each_pack_is_one_problem_and_the_advice_is_none() -> None:
    said = (
        '{"message_type":"error","message":"pack 0534 contains 2 errors: [blob 0cd6]\\n"}\n'
        '{"message_type":"error","message":"\\nThe repository contains damaged pack files.\\n\\n"}\n'
        '{"message_type":"error","message":"restic repair packs 0534\\nrestic repair snapshots --forget\\n"}\n'
    )
    assert error_lines(said) == ("pack 0534 contains 2 errors: [blob 0cd6]",)


def test_error_lines_are_sentences_said_once() -> None:
    said = (
        "\x1b[2Ksignal interrupt received, cleaning up\n"
        '{"message_type":"error","error":{"message":"broken"},"during":"restore","item":"/a"}\n'
        '{"message_type":"error","error":{"message":"broken"},"during":"restore","item":"/a"}\n'
        "Load(<data/4756ff8078>) returned error, retrying after 1s: EOF\nplain\n"
    )
    assert error_lines(said) == ("/a: broken", "plain")


def test_a_dead_address_is_given_up_long_before_restic_would(restic: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("x\n")
    dead = Restic(restic, Place("attic", "rest:http://me:s3cret@127.0.0.1:9/", tmp_path / "password"))
    with pytest.raises(PlaceUnreachable) as refused:
        ask(dead, "cat", "config", timeout=3)
    assert "s3cret" not in str(refused.value) and "s3cret" not in " ".join(dead.guarded(dead.words("x")))


@pytest.mark.root
def test_a_new_place_gets_a_password_of_its_own_and_says_how_to_restore(empty_rig: Rig) -> None:
    home, url = empty_rig.home, str(empty_rig.repository)
    place, made = ensure_place(home, "attic", url, empty_rig.restic)
    assert made and place.password_file.stat().st_mode & 0o777 == 0o600
    assert len(place.password_file.read_text().strip()) > 40
    readme = (empty_rig.repository / "README.txt").read_text()
    assert "restic restore latest" in readme and "DOES NOT SURVIVE IT" in readme
    assert place.password_file.read_text().strip() not in readme
    password = place.password_file.read_text()
    assert ensure_place(home, "attic", url, empty_rig.restic) == (place, False)
    assert place.password_file.read_text() == password


@pytest.mark.root
def test_a_place_that_was_in_use_is_never_made_anew(rig: Rig) -> None:
    rig.repository.rename(rig.repository.with_name("away"))
    with pytest.raises(PlaceUnreachable):
        ensure_place(rig.home, "attic", str(rig.repository), rig.restic)
    rig.repository.mkdir()
    with pytest.raises(PlaceUnreachable):
        ensure_place(rig.home, "attic", str(rig.repository), rig.restic)
    assert os.listdir(rig.repository) == []


@pytest.mark.root
def test_the_same_disk_is_recognised_through_files_partitions_and_loops(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    home.data_mount.mkdir(parents=True)
    home.data_image.touch()
    assert same_disk(home, str(tmp_path / "not/made/yet"))
    assert not same_disk(home, "sftp:me@attic:/x")
    shared = tmp_path / "memory"
    shared.mkdir()
    run(["mount", "-t", "tmpfs", "none", shared], timeout=20)
    image = tmp_path / "disk.img"
    image.touch()
    os.truncate(image, 64_000_000)
    run(["mkfs.ext4", "-q", image], timeout=30)
    device, _note = loop.attach(image)
    mount = tmp_path / "disk"
    mount.mkdir()
    run(["mount", device, mount], timeout=20)
    try:
        assert not same_disk(home, str(shared / "place"))
        assert same_disk(home, str(mount / "place")), "a disk image on the same disk is the same disk"
    finally:
        run(["umount", mount], timeout=20)
        run(["umount", shared], timeout=20)
        loop.detach(device)
