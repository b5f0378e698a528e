"""One mail out of 40,000 back, from a month-old backup and from a picture, beside restic when the path is known.

Bounds: at most 5 s from the place, at most 1 s from a picture, each the whole command. ``bench/restore.py [LATER]``:
how many backups were made since the one that holds the mail (30).
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.rig import releases
from tests.rig.homes import new_home
from tests.rig.server import Server, served

from stead import data, live
from stead.backup import Restic, mount_cold, place_of
from stead.data import ensure_volume
from stead.rehearsal.known import restic_program
from stead.restore import keep_learning
from stead.run import run
from stead.words.declaration import GUEST_UID_BASE
from stead.words.progress import Silent

_MAILS = 40_000
_VMAIL = GUEST_UID_BASE + 614
_FROM, _TO = 31_000, 31_010
_SOME = 2000


def fill(server: Server) -> Path:
    """Forty thousand mails as Dovecot would have left them; the inbox."""
    live.down(server.home, Silent())
    ensure_volume(server.home, size=server.settings.data.first_size)
    maildir = server.home.data / "mail/home/alice/Maildir"
    boxes = [maildir / "cur", maildir / ".Archive/cur"]
    for folder in (*boxes, *(box.with_name(part) for box in boxes for part in ("new", "tmp"))):
        folder.mkdir(parents=True, exist_ok=True)
    for number in range(_MAILS):
        content = letter(number)
        name = f"{1_700_000_000 + number}.M{number}P1.bench,S={len(content)},W={len(content) + content.count(10)}:2,S"
        (boxes[number % 2] / name).write_bytes(content)
    for path in (maildir, *maildir.rglob("*")):
        os.chown(path, _VMAIL, _VMAIL)
        path.chmod(0o700 if path.is_dir() else 0o600)
    server.settle()
    return boxes[0]


def letter(number: int) -> bytes:
    body = os.urandom(1500).hex()
    lines = "\n".join(body[at : at + 76] for at in range(0, len(body), 76))
    return (
        f"From: Zoe Adams <zoe{number % 97}@example.org>\nTo: alice@stead.test\nSubject: letter number n{number}x\n"
        f"Date: Fri, 02 Jan 2026 10:00:00 +0000\nMessage-ID: <b{number}@example.org>\n\n{lines}\n"
    ).encode()


def backup(server: Server) -> str:
    (saving,) = live.backup(server.home, server.settings, Silent())
    if saving.snapshot is None or saving.reason:
        raise SystemExit(saving.reason)
    return saving.snapshot


def timed(words: str, bound: str, act: Callable[[int], object], numbers: range) -> None:
    took = []
    for number in numbers:
        began = time.monotonic()
        act(number)
        took.append(time.monotonic() - began)
    print(f"| {words} | {statistics.median(took):.2f} s (worst {max(took):.2f}) | {bound} | {_load()} |", flush=True)


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def stead(server: Server, *words: str) -> None:
    line = [sys.executable, "-m", "stead.cli", "restore", "mail", "alice", *words, "--yes"]
    run([*line, "--home", server.home.lib.parent], timeout=300)


def measure(server: Server, later: int, folder: Path) -> None:
    inbox = fill(server)
    began = time.monotonic()
    snapshot = backup(server)
    print(f"(first backup {time.monotonic() - began:.1f} s)", flush=True)
    began = time.monotonic()
    keep_learning(server.home, server.settings, Silent())
    print(f"| catalogue of {_MAILS} mails made | {time.monotonic() - began:.1f} s | | {_load()} |", flush=True)
    data.take_picture(server.home, datetime.now(UTC))
    names = {number: next(inbox.glob(f"*.M{number}P1.*")).name for number in range(_FROM, _TO, 2)}
    for number in range(_FROM, _TO):
        box = inbox if number % 2 == 0 else inbox.parent / ".Archive/cur"
        next(box.glob(f"*.M{number}P1.*")).unlink()
    timed("from a picture, by subject, whole command", "1 s", lambda n: stead(server, f"n{n}x"), range(_FROM, _TO, 2))
    for picture in data.list_pictures(server.home):
        data.delete_picture(server.home, picture)
    learning = []
    for number in range(later):
        with server.imap("alice") as link:
            link.select("INBOX")
            link.store(str(1 + number * 7), "+FLAGS", r"(\Flagged)")
            link.append("INBOX", "", "", letter(100_000 + number))
        backup(server)
        began = time.monotonic()
        keep_learning(server.home, server.settings, Silent())
        learning.append(time.monotonic() - began)
    print(f"| catalogue brought up to date | {statistics.median(learning):.2f} s | | {_load()} |", flush=True)
    odd = range(_FROM + 1, _TO, 2)
    timed(
        f"from a place, {later} backups later, by subject, whole command", "5 s", lambda n: stead(server, f"n{n}x"), odd
    )
    beside_restic(server, snapshot, names, folder)
    through_a_mount(server, snapshot, folder)
    size = (server.home.lib / "cache/catalogue.db").stat().st_size
    print(f"(the catalogue has {size / 1e6:.1f} MB)")


def beside_restic(server: Server, snapshot: str, names: dict[int, str], folder: Path) -> None:
    """The same with restic alone, by somebody who knows snapshot and path."""
    restic = Restic(restic_program(server.home), place_of(server.home, "same-disk", str(server.home.default_place)))
    top = "/run/stead/data/mail/home/alice/Maildir/cur"

    def dump(number: int) -> None:
        run(restic.words("dump", snapshot, f"{top}/{names[number]}"), timeout=300, env=restic.env())

    def whole(number: int) -> None:
        words = ("restore", snapshot, "--include", f"{top}/{names[number]}", "--target", folder / f"{number}")
        run(restic.words(*words), timeout=300, env=restic.env())

    timed("`restic dump` of the same, path known", "", dump, range(_FROM, _TO, 2))
    timed("`restic restore --include` of the same, path known", "", whole, range(_FROM, _TO, 2))


def through_a_mount(server: Server, snapshot: str, folder: Path) -> None:
    """What a search without a catalogue would do: read every header in the place. A part of them is enough to tell."""
    place = place_of(server.home, "same-disk", str(server.home.default_place))
    with mount_cold(server.home, place, restic_program(server.home), folder / "mounted") as mounted:
        inbox = mounted.data(snapshot) / "mail/home/alice/Maildir/cur"
        began = time.monotonic()
        for name in os.listdir(inbox)[:_SOME]:
            (inbox / name).read_bytes()
        took = time.monotonic() - began
    print(f"| {_SOME} headers read through a cold mount | {took:.1f} s | | {_load()} |")


def main(later: int = 30) -> None:
    release = releases.ensure()
    folder = Path(tempfile.mkdtemp(prefix="sb.", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        with new_home(folder)() as home, served(home, release) as server:
            measure(server, later, folder / "out")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
