"""A drill of 40,000 mails and 1 GB of files, one of ten times that, and ``restic restore`` of the same snapshots.

Bounds: a mounted drill at most 15 s, and at most 1.3 times that with ten times the data. ``bench/drill.py [FACTOR]``.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.rig import releases
from tests.rig.homes import new_home
from tests.rig.server import Server, served

from stead import live
from stead.backup import restore_cold
from stead.data import ensure_volume
from stead.rehearsal import drill
from stead.rehearsal.known import places, restic_program
from stead.words.declaration import GUEST_UID_BASE
from stead.words.progress import Silent
from stead.words.verdict import Verdict

_MAILS, _FILES, _FILE_SIZE = 40_000, 500, 2_000_000
_VMAIL, _WEBDAV = GUEST_UID_BASE + 614, GUEST_UID_BASE + 618


def fill(server: Server, factor: int) -> None:
    """Mails and files as their owners' programs would have left them, up to ``factor`` times the usual amount.

    Written straight into data while no machine runs on it, or it would take hours.
    """
    live.down(server.home, Silent())
    ensure_volume(server.home, size=server.settings.data.first_size)
    words = random.Random(factor)
    boxes = [_folder(server.home.data / "mail/home/alice/Maildir" / box / "cur", _VMAIL) for box in ("", ".Archive")]
    for box in boxes:
        for part in ("new", "tmp"):
            _folder(box.parent / part, _VMAIL)
    for number in range(_MAILS * factor):
        body = words.randbytes(1200).hex()
        name = f"{1_700_000_000 + number}.M{number}P1.bench,S={len(body) + 120}:2,S"
        _file(boxes[number % 2] / name, _letter(number, body), _VMAIL)
    files = server.home.data / "files/home/alice"
    for number in range(_FILES * factor):
        folder = _folder(files / f"album {number // 100}", _WEBDAV)
        _file(folder / f"photo {number}.jpg", os.urandom(_FILE_SIZE), _WEBDAV)


def _letter(number: int, body: str) -> bytes:
    lines = "\r\n".join(body[at : at + 76] for at in range(0, len(body), 76))
    head = f"From: zoe@example.org\r\nTo: alice@stead.test\r\nSubject: letter {number}\r\n"
    head += f"Message-ID: <b{number}@example.org>"
    return f"{head}\r\n\r\n{lines}\r\n".encode()


def _folder(path: Path, owner: int) -> Path:
    missing = [parent for parent in (path, *path.parents) if not parent.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for made in missing:
        os.chown(made, owner, owner)
        made.chmod(0o700)
    return path


def _file(path: Path, content: bytes, owner: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(handle, content)
    os.fchown(handle, owner, owner)
    os.close(handle)


def measure(server: Server, words: str, folder: Path) -> float:
    """Back up, drill three times, restore once; the drill's median."""
    quiet = Silent()
    server.settle()
    began = time.monotonic()
    (saving,) = live.backup(server.home, server.settings, quiet)
    backed_up = time.monotonic() - began
    if saving.verdict is not Verdict.PASS or saving.snapshot is None:
        raise SystemExit(saving.reason)
    took, steps = [], ""
    for _ in range(3):
        began = time.monotonic()
        report = drill(server.home, server.settings, quiet, release="host")
        took.append(time.monotonic() - began)
        if report.verdict is not Verdict.PASS:
            raise SystemExit(report.reason)
        steps = ", ".join(f"{step.name} {step.seconds:.1f}" for step in report.steps)
    (place,) = places(server.home, server.settings)
    began = time.monotonic()
    target = folder / "restored"
    restore_cold(server.home, place, restic_program(server.home), saving.snapshot, target=target, progress=quiet)
    restored = time.monotonic() - began
    shutil.rmtree(target)
    drilled = sorted(took)[1]
    print(f"| {words} | {backed_up:.1f} | {drilled:.1f} ({steps}) | {restored:.1f} |", flush=True)
    return drilled


def main(factor: int) -> None:
    release = releases.ensure()
    with tempfile.TemporaryDirectory(prefix="stead-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        with new_home(folder / "h")() as home:
            home.etc.mkdir(parents=True)
            home.settings_file.write_text(f'[data]\nfirst_size = "{4 * factor + 4}GB"\n')
            with served(home, release) as server:
                print("| data | backup s | drill s (steps) | restic restore s |\n|---|---|---|---|")
                fill(server, 1)
                once = measure(server, "40,000 mails, 1 GB", folder)
                if factor > 1:
                    fill(server, factor)
                    more = measure(server, f"{factor} times that", folder)
                    print(f"\n{factor} times the data: {more / once:.2f} times the drill (at most 1.3)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
