"""Every way a place can fail, made on a copy of a good one; each returns the address that the fault is met at."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from stead.backup.restic import Restic
from stead.run import run, start
from stead.settings import PlaceSetting
from tests.rig.places import Server
from tests.rig.proxies import Answer, http_proxy, refusing_port, s3_error, tcp_proxy
from tests.rig.saver import Saver


@dataclass
class Broken:
    """A copy of a good place, called ``name``, about to be broken."""

    saver: Saver
    server: Server
    name: str
    stack: ExitStack
    folder: Path

    def setting(self, url: str | None = None) -> PlaceSetting:
        return self.saver.place(self.name, url or self.server.url(self.name), self.server)

    def pick(self, kind: str, *, largest: bool = True) -> str:
        """A file of the place: ``data``, ``index``, ``snapshots`` or ``keys``; of packs the largest or smallest."""
        sizes = {path: size for path, size in self.server.sizes(self.name).items() if path.startswith(f"{kind}/")}
        return (max if largest else min)(sizes, key=lambda path: sizes[path])

    def through(self, decide: Callable[[str, str], Answer | None]) -> str:
        """The address of a proxy that decides over each request."""
        return self.server.url(self.name, self.stack.enter_context(http_proxy(self.server.http, decide)).port)

    def answer(self, status: int, code: str, methods: Iterable[str], *, after: int = 0) -> str:
        """A proxy that answers ``methods`` with ``status`` once ``after`` of them went by."""
        left = [after]

        def decide(method: str, _path: str) -> Answer | None:
            if method not in methods:
                return None
            left[0] -= 1
            return s3_error(status, code, _SAID.get(code, code)) if left[0] < 0 else None

        return self.through(decide)


#: Restic shows the words of an S3 server and not its code; these are what AWS and MinIO say.
_SAID = {
    "AccessDenied": "Access Denied.",
    "InvalidAccessKeyId": "The AWS Access Key Id you provided does not exist in our records.",
    "RequestTimeTooSkewed": "The difference between the request time and the current time is too large.",
    "XMinioStorageFull": "Storage backend has reached its minimum free drive threshold. Please delete a few objects.",
}
_ALL, _WRITING = ("GET", "HEAD", "PUT", "POST", "DELETE"), ("PUT", "POST")


def gone(at: Broken) -> PlaceSetting:
    """Nothing listens any more; a folder: its disk is not plugged in."""
    if at.server.kind == "folder":
        assert at.server.root is not None
        (at.server.root / at.name).rename(at.folder / "away")
        return at.setting()
    return at.setting(at.server.url(at.name, at.stack.enter_context(refusing_port())))


def slow(at: Broken) -> PlaceSetting:
    """It takes the connection and never says a word."""
    return at.setting(at.server.url(at.name, at.stack.enter_context(tcp_proxy(at.server.port, 0))))


def wrong_password(at: Broken) -> PlaceSetting:
    (at.saver.home.secrets / f"place-{at.name}.password").write_text("not the password\n")
    return at.setting()


def expired(at: Broken) -> PlaceSetting:
    """Our credentials are not accepted any more."""
    if at.server.kind == "rest":
        return at.setting(at.server.url(at.name, password="expired"))
    if at.server.kind == "s3":
        return at.setting(at.answer(403, "InvalidAccessKeyId", _ALL))
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", at.folder / "other"], timeout=30)
    at.server.key = at.folder / "other"
    return at.setting()


def months(at: Broken) -> PlaceSetting:
    """It worked, and in the middle of a backup the server begins to say 403."""
    return at.setting(at.answer(403, "AccessDenied", _WRITING, after=2))


def full(at: Broken) -> PlaceSetting:
    if at.server.root is None or at.server.kind == "rest":
        return at.setting(at.answer(507, "XMinioStorageFull", _WRITING, after=2))
    _remount(at, "size=20m")
    disk = os.statvfs(at.server.root / at.name)
    # Room for a lock, and not for what there is to save.
    (at.server.root / at.name / "ballast").write_bytes(b"x" * (disk.f_bavail * disk.f_frsize - 40_000))
    return at.setting()


def read_only(at: Broken) -> PlaceSetting:
    if at.server.root is None or at.server.kind == "rest":
        return at.setting(at.answer(403, "AccessDenied", _WRITING))
    _remount(at, "size=20m", "ro")
    return at.setting()


def clock(at: Broken) -> PlaceSetting:
    """The clocks of this computer and of the server differ too much: S3 refuses such requests."""
    return at.setting(at.answer(403, "RequestTimeTooSkewed", _ALL))


def locks(files: Iterable[str]) -> list[str]:
    """The locks among a place's files; one that is only being written has another name."""
    return [path for path in files if re.fullmatch(r"locks/[0-9a-f]{64}", path)]


def locked(at: Broken) -> PlaceSetting:
    """A run was killed and left its lock, here one that keeps everybody else out."""
    setting = at.setting()
    restic = Restic(at.saver.restic, at.saver.noun(setting))
    child = start(restic.words("check", "--read-data", lock=True), env=restic.env())
    until = time.monotonic() + 30
    while not locks(at.server.files(at.name)):
        assert time.monotonic() < until and child.poll() is None, "the check was done before it could be killed"
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    return setting


def deleted_snapshot(at: Broken) -> PlaceSetting:
    at.server.remove(at.name, at.pick("snapshots"))
    return at.setting()


def deleted_data(at: Broken) -> PlaceSetting:
    at.server.remove(at.name, at.pick("data"))
    return at.setting()


def deleted_metadata(at: Broken) -> PlaceSetting:
    at.server.remove(at.name, at.pick("data", largest=False))
    return at.setting()


def deleted_index(at: Broken) -> PlaceSetting:
    at.server.remove(at.name, at.pick("index"))
    return at.setting()


def deleted_keys(at: Broken) -> PlaceSetting:
    at.server.remove(at.name, at.pick("keys"))
    return at.setting()


def damaged(kind: str, *, largest: bool = True) -> Callable[[Broken], PlaceSetting]:
    """Eight bytes of a file are not what they were."""

    def plant(at: Broken) -> PlaceSetting:
        path = at.pick(kind, largest=largest)
        content = bytearray(at.server.read(at.name, path))
        content[60:68] = b"\0DAMAGE\0"
        at.server.write(at.name, path, bytes(content))
        return at.setting()

    return plant


def emptied(at: Broken) -> PlaceSetting:
    for path in at.server.files(at.name):
        at.server.remove(at.name, path)
    if at.server.root is not None:
        for folder in (at.server.root / at.name).iterdir():
            shutil.rmtree(folder, ignore_errors=True)
    return at.setting()


def _remount(at: Broken, *options: str) -> None:
    """The place lies on a small disk of its own (in memory), with these mount options."""
    assert at.server.root is not None
    folder = at.server.root / at.name
    kept = folder.rename(at.folder / f"kept-{at.name}")
    folder.mkdir()
    run(["mount", "-t", "tmpfs", "-o", "size=20m,mode=0700", "none", folder], timeout=20)
    at.stack.callback(run, ["umount", "--lazy", folder], timeout=20)
    run(["cp", "-a", f"{kept}/.", folder], timeout=20)
    run(["mount", "-o", ",".join(("remount", *options)), folder], timeout=20)
