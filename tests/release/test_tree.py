from __future__ import annotations

import json
import os
import stat
import zipfile
from pathlib import Path

import pytest

from stead.release import recipe_of, tidy
from stead.release.accounts import settle_accounts
from stead.release.bootstrap import explain, refuse_unmounted
from stead.release.manifest import differences, digest_of, manifest_bytes, read_manifest, take_manifest
from stead.release.python_parts import install
from stead.release.sbom import Package, cyclonedx, installed_packages
from stead.words.declaration import GUEST_UID_BASE, Service, ServiceUser, TreeFile
from stead.words.errors import SteadError

RECIPE = recipe_of([Service("stone", "a stone", users=(ServiceUser("stone", 701, ("www-data",)),))])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    for folder in ("etc/systemd/system", "var/lib/dpkg/info", "var/log/apt", "var/cache/apt", "usr/lib"):
        (tree / folder).mkdir(parents=True)
    (tree / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nstone:x:701:701::/:/bin/false\n")
    (tree / "etc/group").write_text("root:x:0:\nwww-data:x:33:\nstone:x:701:\n")
    (tree / "etc/gshadow").write_text("root:*::\nwww-data:*::\nstone:!*::\n")
    (tree / "etc/shadow").write_text("root:*:20500:0:99999:7:::\nstone:!*:20600::::::\n")
    (tree / "var/log/apt/history.log").write_text("yesterday")
    (tree / "etc/machine-id").write_text("0123")
    (tree / "bytes-\udcff").write_text("a name that is not UTF-8")
    (tree / "etc/systemd/system/a.service").symlink_to("/usr/lib/systemd/system/a.service")
    return tree


def test_equal_trees_have_equal_manifests_and_any_change_is_named(tree: Path) -> None:
    entries = take_manifest(tree)
    text = manifest_bytes(entries)
    assert digest_of(manifest_bytes(take_manifest(tree, workers=1))) == digest_of(text)
    assert read_manifest(text) == entries
    (tree / "etc/passwd").write_text("root::0:0::/root:/bin/sh\n")
    (tree / "etc/machine-id").chmod(0o666)
    (tree / "etc/group").unlink()
    (tree / "usr/evil").mkdir()
    (tree / "etc/systemd/system/a.service").unlink()
    (tree / "etc/systemd/system/a.service").symlink_to("/dev/null")
    found = differences(entries, take_manifest(tree))
    assert [line.split(":")[0] for line in found] == [
        "/etc/group",
        "/etc/machine-id",
        "/etc/passwd",
        "/etc/systemd/system/a.service",
        "/usr/evil",
    ]
    assert "/etc/machine-id: mode 0644 is now 0666" in found
    assert found[0].endswith("missing")


def test_the_manifest_is_json_lines_sorted_by_path(tree: Path) -> None:
    lines = [json.loads(line) for line in manifest_bytes(take_manifest(tree)).splitlines()]
    paths = [os.fsencode(line["path"]) for line in lines]
    assert paths == sorted(paths)
    assert {line["type"] for line in lines} == {"file", "folder", "link"}
    assert lines[0]["path"] == "/"


def test_what_differs_between_builds_is_taken_away(tree: Path) -> None:
    tidy.tidy(tree)
    tidy.disable_units(tree)
    assert (tree / "etc/machine-id").read_bytes() == b""
    assert list((tree / "var/log").rglob("*")) == [tree / "var/log/apt"]
    assert not list((tree / "var/cache").iterdir())
    assert not (tree / "etc/systemd/system/a.service").is_symlink()
    assert os.readlink(tree / "etc/systemd/system/getty@.service") == "/dev/null"
    assert "DefaultDependencies=no" in (tree / "etc/systemd/system/mount.d/stead.conf").read_text()


def test_accounts_lose_their_dates_and_join_debians_groups(tree: Path) -> None:
    settle_accounts(tree, RECIPE)
    assert "root:*:20309:0:99999:7:::\n" in (tree / "etc/shadow").read_text()
    assert "www-data:x:33:stone\n" in (tree / "etc/group").read_text()
    assert "www-data:*::stone\n" in (tree / "etc/gshadow").read_text()


def test_a_user_without_a_fixed_number_stops_the_build(tree: Path) -> None:
    with open(tree / "etc/passwd", "a") as passwd:
        passwd.write("stranger:x:101:101::/:/bin/false\n")
    with pytest.raises(SteadError, match="stranger with the number 101"):
        settle_accounts(tree, RECIPE)


@pytest.mark.parametrize("path", ["/../outside", "relative", "/escape/file"])
def test_a_services_file_cannot_leave_the_tree(tree: Path, path: str) -> None:
    (tree / "escape").symlink_to("/tmp")
    with pytest.raises(SteadError, match="outside of the release"):
        tidy.place_files(tree, (TreeFile(path, b"x"),))


def test_a_file_of_nobody_is_refused(tree: Path) -> None:
    with pytest.raises(SteadError, match="no such user or group"):
        tidy.place_files(tree, (TreeFile("/etc/x", b"x", owner="ghost"),))


@pytest.mark.root
def test_owners_are_shifted_once_and_no_right_to_rise_stays(tree: Path) -> None:
    su = tree / "usr/su"
    su.write_bytes(b"#!")
    su.chmod(0o6755)
    os.link(su, tree / "usr/su-too")
    sticky = tree / "tmp"
    sticky.mkdir()
    sticky.chmod(0o1777)
    tidy.place_files(tree, (TreeFile("/etc/new/stone", b"grey", 0o640, "stone", "www-data"),))
    tidy.settle_owners(tree)
    entries = {entry.path: entry for entry in take_manifest(tree)}
    assert {entry.owner for entry in entries.values()} == {0, 701}
    assert (entries["/etc/new/stone"].mode, entries["/etc/new/stone"].group) == ("0640", 33)
    assert entries["/etc/new"].mode == "0755"
    assert entries["/usr/su"].mode == entries["/usr/su-too"].mode == "0755"
    assert entries["/tmp"].mode == "1777"
    assert os.lstat(su).st_uid == GUEST_UID_BASE
    assert stat.S_IMODE(os.lstat(tree).st_mode) == 0o755


def test_the_package_list_has_debian_and_python_parts(tree: Path) -> None:
    (tree / "var/lib/dpkg/status").write_text(
        "Package: tool\nStatus: install ok installed\nArchitecture: amd64\nSource: tools (1:2.0)\nVersion: 1:2.0+b1\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n\n"
    )
    metadata = tree / "usr/lib/stead/python/WsgiDAV-4.4.0.dist-info/METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("Metadata-Version: 2.1\nName: WsgiDAV\nVersion: 4.4.0\n\nwords\n")
    packages = installed_packages(tree)
    assert packages == (Package("deb", "tool", "1:2.0+b1", "amd64", "tools"), Package("pypi", "WsgiDAV", "4.4.0"))
    document = json.loads(cyclonedx("r-1", packages))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    assert [part["purl"] for part in document["components"]] == [
        "pkg:deb/debian/tool@1%3A2.0+b1?arch=amd64&distro=debian-13",
        "pkg:pypi/wsgidav@4.4.0",
    ]


def test_a_python_part_that_wants_other_places_is_refused(tmp_path: Path) -> None:

    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "a-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("a-1.data/scripts/a", "x")
    with pytest.raises(SteadError, match="other places"):
        install(wheels, tmp_path / "tree")
    with zipfile.ZipFile(wheels / "a-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("../../../../../etc/a", "x")
    with pytest.raises(SteadError, match="outside"):
        install(wheels, tmp_path / "tree")


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("E: Failed to fetch http://m/x.deb  Hash Sum mismatch", "damaged"),
        ("E: The repository 'http://m trixie InRelease' is not signed.", "signature"),
        ("E: Failed to fetch http://m/I  Could not connect to m:80", "does not answer"),
        ("cannot copy to x: write failed (No space left on device)", "disk is full"),
        ("E: Unable to locate package nosuch", "does not have a package"),
    ],
)
def test_each_cause_is_told_in_words(log: str, words: str) -> None:
    told = explain(f"I: running apt-get update...\n{log}\nE: apt-get failed", "http://m")
    assert words in told.message
    assert told.hint


def test_scripts_that_ran_without_proc_are_not_trusted() -> None:
    refuse_unmounted("I: success in 60 seconds")
    with pytest.raises(SteadError, match="could not be mounted"):
        refuse_unmounted("W: skipping mount sysfs\nW: skipping mount proc\nI: success")
