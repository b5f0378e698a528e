"""Every routine over 1,000,000 files: time and memory. ``bench/million.py [FILES]``.

Each row is a process of its own: seconds, the most memory of ours, and of the largest program it started (restic).
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.filling import WEBDAV, finish, folder, inside
from tests.rig import releases
from tests.rig.homes import new_home
from tests.rig.server import Server, served

from stead import backup, data, live
from stead.rehearsal import drill
from stead.rehearsal.known import places, restic_program
from stead.words.home import Home
from stead.words.progress import Silent
from stead.words.verdict import Verdict

_PER_FOLDER = 1000


def fill(server: Server, files: int) -> None:
    """Small files as the file service would have left them, written while no machine runs."""
    live.down(server.home, Silent())
    data.ensure_volume(server.home)
    top = folder(server.home.data / "files/home/alice/many", WEBDAV)
    finish(inside(top, WEBDAV, lambda: _write(files)))


def _write(files: int) -> None:
    for number in range(files):
        if number % _PER_FOLDER == 0:
            os.mkdir(f"{number // _PER_FOLDER:05d}", 0o700)
        handle = os.open(f"{number // _PER_FOLDER:05d}/{number}.txt", os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(handle, b"%d\n" % number)
        os.close(handle)


def measured(words: str, act: Callable[[], object]) -> None:
    """Run ``act`` in a process of its own and print its row."""
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            act()
            code = 0
        finally:
            children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            seconds = time.monotonic() - began
            print(f"| {words} | {seconds:.1f} | {own // 1024} | {children // 1024} |", flush=True)
            os._exit(code)
    if os.waitpid(pid, 0)[1] != 0:
        raise SystemExit(f"{words} failed")


def saved(server: Server) -> None:
    for saving in live.backup(server.home, server.settings, Silent()):
        if saving.verdict is not Verdict.PASS:
            raise SystemExit(saving.reason)


def drilled(server: Server, *, full: bool) -> None:
    report = drill(server.home, server.settings, Silent(), full=full, release="host")
    if report.verdict is not Verdict.PASS:
        raise SystemExit(report.reason)


def change(home: Home) -> None:
    for number in range(0, 100_000, 1000):
        (home.data / f"files/home/alice/many/{number // _PER_FOLDER:05d}/{number}.txt").write_text("changed\n")


def main(files: int) -> None:
    release = releases.ensure()
    with (
        tempfile.TemporaryDirectory(prefix="stead-bench-", dir="/var/tmp") as name,
        new_home(Path(name) / "h")() as home,
    ):
        home.etc.mkdir(parents=True)
        home.settings_file.write_text('[data]\nfirst_size = "12GB"\n')
        with served(home, release) as server:
            fill(server, files)
            server.settle()
            print(f"{files} files\n\n| routine | seconds | our MB | largest child MB |\n|---|---|---|---|", flush=True)
            measured("the first backup (picture, count, manifest, restic)", lambda: saved(server))
            measured("a backup with nothing changed", lambda: saved(server))
            change(home)
            measured("a backup with 100 files changed", lambda: saved(server))
            (place,) = places(home, server.settings)
            program = restic_program(home)
            measured("asking the place what it lost", lambda: backup.losses(home, place, program))
            measured("a drill, mounted", lambda: drilled(server, full=False))
            measured("a drill, restored, every byte compared", lambda: drilled(server, full=True))
            measured(
                "restic check, a thirtieth read", lambda: backup.check(backup.Restic(program, place), subset="1/30")
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
