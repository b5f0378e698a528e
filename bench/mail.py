"""Deliveries a second into a machine, beside the same programs and settings run bare, in one run: ``bench/mail.py``.

The bound is half of the bare rate on the same disk. Bare on a btrfs image shows how much of it is the file system.
"""

from __future__ import annotations

import smtplib
import ssl
import sys
import tempfile
import time
from pathlib import Path

from bench.bare import bare
from tests.rig import releases
from tests.rig.homes import new_home
from tests.rig.load import found_in, send
from tests.rig.server import Server, served

from stead.data import ensure_volume, unmount
from stead.run import run
from stead.words.home import Home

COUNT = 1000


def client(port: int, ca: str, recipient: str, count: int) -> None:
    """The load, from a process of its own: seconds from the first mail to the last acknowledgement."""
    context = ssl.create_default_context(cafile=ca)

    def connect() -> smtplib.SMTP:
        connection = smtplib.SMTP("localhost", port, local_hostname="mx.example.org", timeout=60)
        connection.starttls(context=context)
        return connection

    began = time.monotonic()
    sent = send(connect, recipient, count)
    print(f"{time.monotonic() - began:.3f} {len(sent)}")


def measure(words: str, server: Server, port: int, mailbox: Path, netns: str | None = None) -> float:
    """Deliveries a second, until the last mail lies in the mailbox."""
    address = f"alice@{server.domain}"
    enter = ["ip", "netns", "exec", netns] if netns else []
    load = [*enter, sys.executable, __file__, "client", str(port), str(server.ca), address]
    env = {"PYTHONPATH": ":".join(sys.path)}
    run([*load, "50"], timeout=120, env=env)
    _wait(mailbox, 50)
    for file in mailbox.glob("*/*"):
        file.unlink()
    began = time.monotonic()
    accepted = float(run([*load, str(COUNT)], timeout=900, env=env).out.split()[0])
    _wait(mailbox, COUNT)
    delivered = time.monotonic() - began
    print(f"| {words} | {COUNT / accepted:.0f} | {COUNT / delivered:.0f} |", flush=True)
    return COUNT / delivered


def _wait(mailbox: Path, count: int) -> None:
    until = time.monotonic() + 600
    while len(found_in([mailbox / "new", mailbox / "cur"])) < count:
        if time.monotonic() > until:
            raise SystemExit(f"not all mails came to {mailbox}")
        time.sleep(0.1)


def main() -> None:
    release = releases.ensure()
    with tempfile.TemporaryDirectory(prefix="stead-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        print(f"| {COUNT} mails of 4 kB, 6 connections | accepted/s | delivered/s |\n|---|---|---|")
        with new_home(folder / "h")() as home, served(home, release) as server:
            box = "mail/home/alice/Maildir"
            ours = measure("in a machine", server, server.endpoint("smtp").port, home.data / box)
            plain = folder / "plain"
            with bare(server, release, folder, plain) as netns:
                beside = measure("bare, on the disk", server, 25, plain / box, netns)
            volume = Home.at(folder / "v")
            ensure_volume(volume, size=2_000_000_000)
            try:
                with bare(server, release, folder, volume.data_mount / "bare") as netns:
                    measure("bare, on a btrfs image", server, 25, volume.data_mount / "bare" / box, netns)
            finally:
                unmount(volume)
        print(f"\nratio to bare: {ours / beside:.2f} (at least 0.5)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["client"]:
        client(int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5]))
    else:
        main()
