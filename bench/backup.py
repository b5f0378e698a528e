"""One backup cycle of ours beside plain restic on the same picture: ``python bench/backup.py [MAILS [MB]]``.

Ours does more: it takes the picture, makes the manifest, opens the place, and asks it what is really there.
Needs root; everything is made below a temporary folder and taken away again.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.rig.releases import ensure

from stead.backup import (
    Place,
    carry_manifest,
    ensure_place,
    load_known,
    losses,
    manifest_maker,
    mount_cold,
    restore_cold,
    run_backup,
)
from stead.data import delete_picture, ensure_volume, picture_with, take_picture, unmount
from stead.release import host_restic
from stead.run import run
from stead.words.home import Home
from stead.words.picture import Picture
from stead.words.progress import Silent


def fill(data: Path, mails: int, megabytes: int) -> None:
    inbox = data / "mail/home/alice/Maildir/cur"
    inbox.mkdir(parents=True)
    for number in range(mails):
        (inbox / f"{number:08d}.host:2,S").write_bytes(os.urandom(3000) + b"\n" * 3000)
    (data / "files").mkdir()
    for number in range(20):
        (data / f"files/{number}").write_bytes(os.urandom(megabytes * 50_000))


def change(data: Path, mails: int) -> None:
    """Fifty flags changed and twenty mails come in."""
    inbox = data / "mail/home/alice/Maildir/cur"
    for number in range(0, mails, mails // 50):
        (inbox / f"{number:08d}.host:2,S").rename(inbox / f"{number:08d}.host:2,RS")
    for number in range(20):
        (inbox / f"new{number}.host:2,").write_bytes(os.urandom(6000))


def timed(words: str, act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    seconds = time.monotonic() - began
    print(f"{words:<58}{seconds:8.2f} s", flush=True)
    return seconds


def plain(restic: Path, place: Place, picture: Path) -> None:
    env = {"RESTIC_REPOSITORY": place.url, "RESTIC_PASSWORD_FILE": str(place.password_file)}
    env["RESTIC_CACHE_DIR"] = f"{place.url}-cache"
    # At one constant path, as a person who knows restic well would do it: it finds what did not change.
    constant = Path(f"{place.url}-picture")
    constant.mkdir(exist_ok=True)
    run(["mount", "--bind", picture, constant], timeout=30)
    try:
        run([restic, "backup", "--json", constant], timeout=3600, env=env)
    finally:
        run(["umount", constant], timeout=30)


def ours(home: Home, place: Place, restic: Path, picture: Picture) -> None:
    outcome = run_backup(home, place, restic, picture, inventory={}, release="r", progress=Silent())
    assert outcome.problems == (), outcome.problems


def settle() -> None:
    """Everything is on disk and nothing in memory: who comes second has no advantage of who came first."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3\n")


def main(mails: int = 40_000, megabytes: int = 1000) -> None:
    # Debian 13's, as a server has it.
    restic = host_restic(ensure())
    base = Path(tempfile.mkdtemp(prefix="stead-bench-", dir="/var/tmp"))
    home = Home.at(base / "home")
    try:
        measure(base, home, restic, mails, megabytes)
    finally:
        unmount(home)
        shutil.rmtree(base)


def measure(base: Path, home: Home, restic: Path, mails: int, megabytes: int) -> None:
    ensure_volume(home)
    timed(f"(fill: {mails} mails, {megabytes} MB of files)", lambda: fill(home.data, mails, megabytes))
    # What was just written is on disk before anything is measured: the first picture would wait for it.
    os.sync()
    place, _ = ensure_place(home, "ours", str(base / "ours"), restic)
    other, _ = ensure_place(home, "plain", str(base / "plain"), restic)
    kept: list[Picture] = []
    for words in ("first", "unchanged", "a quarter of an hour later"):
        if words.startswith("a quarter"):
            change(home.data, mails)
        settle()
        counted = timed(f"the picture and its manifest, {words}", lambda: kept.append(with_manifest(home)))
        settle()
        mine = timed(f"ours, {words}", lambda: ours(home, place, restic, kept[-1]))
        settle()
        its = timed(f"plain restic of the same picture, {words}", lambda: plain(restic, other, kept[-1].path))
        print(f"{'ratio; with the picture and its manifest':<58}{mine / its:8.2f};{(mine + counted) / its:8.2f}")
    timed("a picture alone", lambda: take_picture(home, kept[-1].taken_at))
    timed("a picture with its manifest, nothing changed", lambda: kept.append(with_manifest(home)))
    timed("asking the place what it lost", lambda: losses(home, place, restic))
    newest = load_known(home, "ours").newest
    assert newest is not None

    def mount() -> None:
        with mount_cold(home, place, restic, base / "cold") as mounted:
            mounted.data(newest.id)

    timed("mounting cold, looking in, and away again", mount)
    target = base / "back"
    timed(
        "restoring cold to disk",
        lambda: restore_cold(home, place, restic, newest.id, target=target, progress=Silent()),
    )
    for picture in kept:
        delete_picture(home, picture)


def with_manifest(home: Home) -> Picture:
    picture = picture_with(home, {}, finish=manifest_maker())
    carry_manifest(picture.path, home.data)
    return picture


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
