"""A year of backups: the table of what was kept and what was told, first simulated whole, then with a real restic.

    PYTHONPATH=src:. .check/venv/bin/python bench/year.py [--simulated]

The first part is ``tests/rig/year.py`` with a look at every hour. The second makes a real backup for every day of a
year (restic's ``--time``), prunes each week with the real ``prune``, is killed once in the middle of it, and compares
what restic lists in the end with what was stated. Some minutes.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.rig.year import BEGIN, DAY, FAULTS, NAMES, Stated, Year

from stead.backup import load_known, place_of
from stead.backup.cycle import backup_bound, really_there
from stead.backup.known import KnownSnapshot, save_known
from stead.backup.opening import ensure_place
from stead.backup.pruning import Order, prune
from stead.backup.restic import DATA_PATH, Restic, check, snapshots
from stead.run import run, start
from stead.settings import RetentionSettings
from stead.words.home import Home
from stead.words.progress import Silent

_KILLED_ON = 200
_CHILD = """
import sys, pathlib, datetime
from stead.backup import place_of
from stead.backup.pruning import Order, prune
from stead.settings import RetentionSettings
from stead.words.home import Home
home = Home.at(pathlib.Path(sys.argv[1]))
prune(home, place_of(home, "attic", sys.argv[2]), pathlib.Path(sys.argv[3]), Order(RetentionSettings(), "r"),
      datetime.datetime.fromisoformat(sys.argv[4]))
"""


def simulated(folder: Path) -> bool:
    began = time.monotonic()
    year = Year(Home.at(folder)).run()
    seconds = time.monotonic() - began
    print(f"simulated: {year.backups} hourly backups to {len(NAMES)} places in {year.days} days ({seconds:.0f} s)\n")
    print("| place | prunings | backups kept | days on which something else was kept than stated |")
    print("|---|---|---|---|")
    for name in NAMES:
        place = year.places[name]
        print(f"| {name} | {place.prunings} | {len(year.known[name].snapshots)} | {len(place.kept_wrong)} |")
    print("\n| fault | days | told as | within | told after |\n|---|---|---|---|---|")
    late = 0
    for fault in FAULTS:
        rows = [row for row in year.alarms() if row[0] is fault]
        if not rows:
            print(f"| {fault.name} | {fault.begin:g} to {fault.end:g} | nothing, as it should | | |")
        for _fault, begins, severity, within, after in rows:
            late += after is None or after > within
            said = "NEVER" if after is None else shown(after)
            days = f"{fault.begin:g} to {fault.end:g}"
            print(f"| {fault.name} | {days} | {severity.value} {begins} | {shown(within)} | {said} |")
    print(f"\nfalse alarms: {len(year.told.false)} (of {year.findings} findings looked at, every hour)")
    for words in year.told.false[:10]:
        print("  ", words)
    wrong = sum(len(year.places[name].kept_wrong) for name in NAMES)
    return not (late or wrong or year.told.false)


def shown(span: timedelta) -> str:
    hours = span / timedelta(hours=1)
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.0f} h"


def real(folder: Path, restic: Path) -> bool:
    """A year of daily backups with restic itself."""
    home, began = Home.at(folder / "home"), time.monotonic()
    place, _made = ensure_place(home, "attic", str(folder / "attic"), restic)
    program, stated, rule = Restic(restic, place, home.lib / "cache/restic"), Stated(), RetentionSettings()
    source, removed = folder / "data", 0
    source.mkdir()
    for day in range(365):
        now = BEGIN + DAY * day
        (source / f"mail-{day % 60}").write_bytes(os.urandom(4096))
        ended = backup_bound(home, program, {source: DATA_PATH}, "data", Silent(), at=now)
        one = KnownSnapshot(str(ended.summary["snapshot_id"]), now, 1, 1, {}, {}, "r", "m", good=True)
        stated.add(now, now, good=True)
        packs, _listed, indexes = really_there(program)
        known = load_known(home, "attic").with_snapshot(one)
        known = replace(known, packs=packs | known.packs, indexes=indexes | known.indexes, busy=False)
        save_known(home, "attic", known)
        if day == _KILLED_ON:
            kill_while_pruning(home, place.url, restic, now)
        elif day % 7 == 6 or day == 364:
            done = prune(home, place, restic, Order(rule, "r"), now)
            assert done.reason is None, done
            removed += len(done.removed)
    listed = {snapshot.began_at for snapshot in snapshots(Restic(restic, place_of(home, "attic", place.url)))}
    problems = check(Restic(restic, place), subset="100%").problems
    print(f"\nreal: 365 daily backups, 53 prunings, one killed (day {_KILLED_ON}); {time.monotonic() - began:.0f} s")
    same = listed == stated.kept()
    print(f"  restic lists {len(listed)} snapshots, stated are {len(stated.kept())}: equal is {same}")
    print(f"  every byte read back at the end: {len(problems)} problems")
    return same and not problems


def kill_while_pruning(home: Home, url: str, restic: Path, now: object) -> None:
    """Between ``restic prune`` and our own saving of it: the worst moment there is."""
    flag, program = home.lib / "now", home.lib / "restic.sh"
    words = f'case " $* " in *" prune "*) {restic} "$@"; touch {flag}; sleep 60;; esac\nexec {restic} "$@"\n'
    program.write_text(f"#!/bin/sh\n{words}")
    program.chmod(0o755)
    line = [sys.executable, "-c", _CHILD, str(home.lib.parent), url, str(program), str(now)]
    child = start(line, env={"PYTHONPATH": os.environ["PYTHONPATH"]})
    while not flag.exists() and child.poll() is None:
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert load_known(home, "attic").pruning is not None


def main() -> None:
    memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="year-", dir=memory))
    try:
        good = simulated(folder / "simulated")
        if "--simulated" not in sys.argv:
            tool = Path(".check/home/lib/releases/current/tools/restic").resolve()
            run([tool, "version"], timeout=20)
            good = real(folder / "real", tool) and good
    finally:
        shutil.rmtree(folder)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
