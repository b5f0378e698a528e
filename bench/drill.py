"""A drill of 40,000 mails and 1 GB of files, one of ten times that, and ``restic restore`` of the same snapshots.

Bounds: a mounted drill at most 15 s, and at most 1.3 times that with ten times the data. ``bench/drill.py [FACTOR]``.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from bench.filling import fill
from tests.rig import releases
from tests.rig.homes import new_home
from tests.rig.server import Server, served

from stead import live
from stead.backup import restore_cold
from stead.rehearsal import drill
from stead.rehearsal.known import places, restic_program
from stead.words.progress import Silent
from stead.words.verdict import Verdict


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
