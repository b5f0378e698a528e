"""Data for benches, as its owners' programs would have left it: written straight into data, or it would take hours."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.rig.server import Server

from stead import live
from stead.data import ensure_volume
from stead.words.declaration import GUEST_UID_BASE
from stead.words.progress import Silent

_MAILS, _FILES, _FILE_SIZE = 40_000, 500, 2_000_000
VMAIL, WEBDAV = GUEST_UID_BASE + 614, GUEST_UID_BASE + 618


def fill(server: Server, factor: int) -> None:
    """Mails and files as their owners' programs would have left them, up to ``factor`` times the usual amount.

    Written straight into data while no machine runs on it, or it would take hours.
    """
    live.down(server.home, Silent())
    ensure_volume(server.home, size=server.settings.data.first_size)
    boxes = [folder(server.home.data / "mail/home/alice/Maildir" / box / "cur", VMAIL) for box in ("", ".Archive")]
    for box in boxes:
        for part in ("new", "tmp"):
            folder(box.parent / part, VMAIL)
    at_work = [inside(box, VMAIL, partial(_mails, range(part, _MAILS * factor, 2))) for part, box in enumerate(boxes)]
    for first in range(0, _FILES * factor, 100):
        made = folder(server.home.data / f"files/home/alice/album {first // 100}", WEBDAV)
        finish(inside(made, WEBDAV, partial(_photos, range(first, min(first + 100, _FILES * factor)))))
    for pid in at_work:
        finish(pid)


def finish(pid: int) -> None:
    """Wait for one of those."""
    if os.waitpid(pid, 0)[1] != 0:
        raise SystemExit("the data could not be made")


def _mails(numbers: range) -> None:
    words = random.Random(numbers.start)
    for number in numbers:
        body = words.randbytes(1200).hex()
        _file(f"{1_700_000_000 + number}.M{number}P1.bench,S={len(body) + 120}:2,S", _letter(number, body))


def _photos(numbers: range) -> None:
    for number in numbers:
        _file(f"photo {number}.jpg", os.urandom(_FILE_SIZE))


def inside(place: Path, owner: int, work: Callable[[], None]) -> int:
    """The pid of a process of ``owner`` that does ``work`` in ``place``: no file has to be given away afterwards."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.chdir(place)
        os.setresgid(owner, owner, owner)
        os.setresuid(owner, owner, owner)
        work()
        code = 0
    finally:
        os._exit(code)


def _letter(number: int, body: str) -> bytes:
    lines = "\r\n".join(body[at : at + 76] for at in range(0, len(body), 76))
    head = f"From: zoe@example.org\r\nTo: alice@stead.test\r\nSubject: letter {number}\r\n"
    head += f"Message-ID: <b{number}@example.org>"
    return f"{head}\r\n\r\n{lines}\r\n".encode()


def folder(path: Path, owner: int) -> Path:
    missing = [parent for parent in (path, *path.parents) if not parent.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for made in missing:
        os.chown(made, owner, owner)
        made.chmod(0o700)
    return path


def _file(name: str, content: bytes) -> None:
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(handle, content)
    os.close(handle)
