"""Real servers of every kind of place, on loopback: rest-server (append-only), S3 with object lock, SFTP, a folder."""

from __future__ import annotations

import atexit
import base64
import getpass
import hashlib
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from stead.run import run, start
from tests.rig.proxies import free_port

KINDS = ("folder", "sftp", "rest", "s3")
PASSWORD = "server-password"
KEY, SECRET = "AKIATEST", "s3-secret-key"


@dataclass
class Server:
    """One running server. ``root`` is the folder that its places lie in (None: it keeps them in memory)."""

    kind: str
    port: int
    root: Path | None
    key: Path | None = None
    hosts: Path | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def url(self, name: str, port: int | None = None, password: str = PASSWORD) -> str:
        """The address of the place ``name`` on it, by another port if a proxy stands before it."""
        at = port or self.port
        if self.kind == "folder":
            return f"{self.root}/{name}"
        if self.kind == "sftp":
            return f"sftp://{getpass.getuser()}@127.0.0.1:{at}/{self.root}/{name}"
        if self.kind == "rest":
            return f"rest:http://stead:{password}@127.0.0.1:{at}/{name}/"
        return f"s3:http://{KEY}:{SECRET}@127.0.0.1:{at}/{name}"

    @property
    def http(self) -> str:
        """Where its HTTP is."""
        return f"http://127.0.0.1:{self.port}"

    def copy(self, old: str, new: str) -> None:
        """Make the place ``new`` with everything that is in ``old``."""
        if self.root is not None:
            run(["cp", "-a", self.root / old, self.root / new], timeout=60)
            return
        make_bucket(self, new)
        for path in self.files(old):
            self.write(new, path, self.read(old, path))

    def files(self, name: str) -> list[str]:
        """Every file of a place, as paths below it."""
        if self.root is not None:
            top = self.root / name
            return sorted(str(path.relative_to(top)) for path in top.rglob("*") if path.is_file())
        pages = s3_client(self).get_paginator("list_objects_v2").paginate(Bucket=name)
        return sorted(one["Key"] for page in pages for one in page.get("Contents", ()))

    def sizes(self, name: str) -> dict[str, int]:
        """Bytes of each file."""
        if self.root is not None:
            return {path: (self.root / name / path).stat().st_size for path in self.files(name)}
        pages = s3_client(self).get_paginator("list_objects_v2").paginate(Bucket=name)
        return {one["Key"]: one["Size"] for page in pages for one in page.get("Contents", ())}

    def remove(self, name: str, path: str) -> None:
        """Take a file away behind everybody's back (at S3: as one with the key can, by a delete marker)."""
        if self.root is not None:
            (self.root / name / path).unlink()
        else:
            s3_client(self).delete_object(Bucket=name, Key=path)

    def read(self, name: str, path: str) -> bytes:
        """The content of a file."""
        if self.root is not None:
            return (self.root / name / path).read_bytes()
        content: bytes = s3_client(self).get_object(Bucket=name, Key=path)["Body"].read()
        return content

    def write(self, name: str, path: str, content: bytes) -> None:
        """Change a file behind everybody's back."""
        if self.root is None:
            s3_client(self).put_object(Bucket=name, Key=path, Body=content)
            return
        file = self.root / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists():
            file.chmod(0o600)
        file.write_bytes(content)


@contextmanager
def serving(kind: str, folder: Path, *options: str) -> Iterator[Server]:
    """A server of a kind; its files lie in ``folder``. ``options`` go to rest-server's command line."""
    folder.mkdir(parents=True, exist_ok=True)
    makers = {"folder": _folder, "sftp": _sftp, "rest": _rest, "s3": _s3}
    with ExitStack() as stack:
        yield makers[kind](folder, options, stack)


def _folder(folder: Path, _options: tuple[str, ...], _stack: ExitStack) -> Server:
    return Server("folder", 0, folder)


def _rest(folder: Path, options: tuple[str, ...], stack: ExitStack) -> Server:
    port, root = free_port(), folder / "served"
    root.mkdir()
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    (folder / "htpasswd").write_text(f"stead:{{SHA}}{digest}\n")
    words = [rest_server(), "--path", root, "--listen", f"127.0.0.1:{port}", "--htpasswd-file", folder / "htpasswd"]
    _run_until_closed([*map(str, words), *(options or ("--append-only",))], port, folder, stack)
    return Server("rest", port, root)


def _s3(_folder: Path, _options: tuple[str, ...], stack: ExitStack) -> Server:
    port = stack.enter_context(_BUCKETS.emptied())
    return Server("s3", port, None)


class _Buckets:
    """The S3 server of this run: it takes seconds to start, so it is started once and emptied for each who asks."""

    def __init__(self) -> None:
        self._port: int | None = None
        self._taken = False

    @contextmanager
    def emptied(self) -> Iterator[int]:
        """Its port; nobody else has it meanwhile."""
        assert not self._taken, "two at a time have nothing to do with each other"
        if self._port is None:
            self._port = self._start()
        self._taken = True
        try:
            requests.post(f"http://127.0.0.1:{self._port}/moto-api/reset", timeout=30).raise_for_status()
            yield self._port
        finally:
            self._taken = False

    def _start(self) -> int:
        port, until_the_end = free_port(), ExitStack()
        atexit.register(until_the_end.close)
        folder = Path(until_the_end.enter_context(tempfile.TemporaryDirectory()))
        line = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
        _run_until_closed(line, port, folder, until_the_end)
        return port


_BUCKETS = _Buckets()


def _sftp(folder: Path, _options: tuple[str, ...], stack: ExitStack) -> Server:
    port, root = free_port(), folder / "served"
    root.mkdir()
    if not shutil.which("sshd"):
        pytest.skip("no sshd: install openssh-server")
    for name in ("host", "key"):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], timeout=30)
    shutil.copy(folder / "key.pub", folder / "authorized")
    (folder / "hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    # Many a server greets everybody who comes: that is no complaint.
    (folder / "greeting").write_text("Unauthorised access denied.\nEverything is written down.\n")
    (folder / "sshd.conf").write_text(
        f"HostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\nPidFile none\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nPermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n"
        f"ListenAddress 127.0.0.1\nPort {port}\nMaxStartups 100\nBanner {folder}/greeting\n"
    )
    # Where it drops its rights to; systemd or the package's script makes it, and neither is here.
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    sshd = str(shutil.which("sshd"))
    _run_until_closed([sshd, "-D", "-e", "-f", str(folder / "sshd.conf")], port, folder, stack)
    return Server("sftp", port, root, folder / "key", folder / "hosts", {"authorized": folder / "authorized"})


def rest_server() -> Path:
    """Debian 13's rest-server, as ``./check`` unpacks it."""
    program = Path(os.environ.get("STEAD_TEST_PLACES", "/usr/bin")) / "restic-rest-server"
    if not program.exists():
        pytest.skip("no rest-server: name its folder in STEAD_TEST_PLACES")
    return program


def s3_client(server: Server) -> Any:
    """The owner's own client, with all rights."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=server.http,
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
    )


def make_bucket(server: Server, name: str, *, locked_days: int = 30) -> None:
    """A bucket; with ``locked_days`` its object lock keeps every version that long, whoever asks (compliance)."""
    client = s3_client(server)
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=bool(locked_days))
    if locked_days:
        rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": locked_days}}
        client.put_object_lock_configuration(
            Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
        )


def _run_until_closed(line: list[str], port: int, folder: Path, stack: ExitStack) -> None:
    log = stack.enter_context((folder / "server.log").open("wb"))
    child = start(line, stdout=log, stderr=log)

    def stop() -> None:
        child.terminate()
        child.wait(10)

    stack.callback(stop)
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            said = (folder / "server.log").read_text()[-2000:]
            assert child.poll() is None and time.monotonic() < until, f"{line[0]} does not listen: {said}"
            time.sleep(0.05)
