"""How long up, down and up again take until every probe passes, and what an idle server costs in memory.

Bounds: ``down`` and ``up`` with the release present 15 s; 400 MB (PSS) in the machine; 100 MB for keeper and helpers.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.rig import releases
from tests.rig.homes import new_home
from tests.rig.server import lend

from stead import keeper, live
from stead import machine as machine_room
from stead.settings import load
from stead.words.home import Home
from stead.words.progress import Silent
from stead.words.quantities import say_duration

_IDLE = 60.0


def timed(words: str, act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    took = time.monotonic() - began
    print(f"| {words} | {say_duration(took)} |", flush=True)
    return took


def memory(pids: Iterable[int]) -> dict[str, int]:
    """PSS of each process by its program's name, in bytes."""
    found: dict[str, int] = {}
    for pid in pids:
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        size = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
        found[name] = found.get(name, 0) + (int(size[1]) * 1000 if size else 0)
    return found


def inside(leader: int) -> list[int]:
    """All processes of the machine: those in the process namespace of its PID 1."""
    space = Path(f"/proc/{leader}/ns/pid").readlink()
    return [pid for pid in _pids() if _space(pid) == space]


def ours(home: Home, but: Iterable[int]) -> list[int]:
    """Keeper, collector and other helpers of this home on the host: what names its folder and is not in the machine."""
    others = set(but)
    return [pid for pid in _pids() if pid not in others and f"{home.etc.parent}" in _words(pid)]


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _space(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/ns/pid").readlink()
    except OSError:
        return None


def _words(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def show(words: str, found: dict[str, int]) -> None:
    largest = sorted(found.items(), key=lambda entry: -entry[1])[:6]
    detail = ", ".join(f"{name} {size / 1e6:.0f}" for name, size in largest)
    print(f"| {words} | {sum(found.values()) / 1e6:.0f} MB ({detail}) |", flush=True)


def main() -> None:
    release = releases.ensure()
    with (
        tempfile.TemporaryDirectory(prefix="stead-bench-", dir="/var/tmp") as name,
        new_home(Path(name) / "h")() as home,
    ):
        home.etc.mkdir(parents=True)
        home.settings_file.write_text('[data]\nfirst_size = "2GB"\n')
        lend(home, release)
        settings, quiet = load(home), Silent()
        print("| what | seconds |\n|---|---|")
        timed("first up, release present (with a backup and a drill)", lambda: live.up(home, settings, quiet))
        rounds = [
            timed("down", lambda: live.down(home, quiet)) + timed("up again", lambda: live.up(home, settings, quiet))
            for _ in range(3)
        ]
        keeper.ensure_running(home)
        time.sleep(_IDLE)
        machine = live_machine(home)
        print("\n| idle after a minute | PSS |\n|---|---|")
        show("in the machine", memory(machine))
        show("keeper and helpers", memory(ours(home, machine)))
        keeper.stop(home)
        print(f"\ndown and up: {', '.join(say_duration(took) for took in rounds)} (at most 15 s)")


def live_machine(home: Home) -> list[int]:
    """The processes of the live machine."""
    found = machine_room.find(home, "live")
    if found is None:
        raise SystemExit("the machine does not run")
    return inside(found.leader)


if __name__ == "__main__":
    main()
