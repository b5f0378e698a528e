"""What tests of one run left in the kernel: found by the tests' folder, and by the tags of the homes in it.

``python -m tests.rig.leftovers FOLDER`` lists it and ends with 1 if there is anything.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from stead.run import run
from stead.words.home import Home

#: How deep in a tests' folder a home may lie.
_DEPTH = 6


def leftovers(folder: Path) -> tuple[str, ...]:
    """Everything left of the homes in (or at) ``folder``: mounts, loop devices, processes, namespaces, firewall."""
    tags = tuple({Home.at(path).tag for path in _folders(folder, _DEPTH)})
    return (
        *_mounts(folder),
        *_loops(folder),
        *_processes(folder, tags),
        *(f"network namespace {name}" for name in _namespaces() if name.startswith(tags)),
        *(f"firewall table {name}" for name in _tables() if any(tag in name for tag in tags)),
        *(f"network link {name}" for name in _links() if name.startswith(tags)),
    )


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    yield folder
    if depth:
        for entry in os.scandir(folder):
            # Not into what machines hold: names a guest made are nothing to us, and there may be a great many.
            if entry.is_dir(follow_symlinks=False) and entry.name not in ("lib", "run", "etc", "tree"):
                yield from _folders(Path(entry.path), depth - 1)


def _mounts(folder: Path) -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        where = Path(line.split()[4].encode().decode("unicode_escape"))
        if where.is_relative_to(folder):
            yield f"mount {where}"


def _loops(folder: Path) -> Iterator[str]:
    mounted = {line.split()[0] for line in Path("/proc/self/mounts").read_text().splitlines()}
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        name, backing = file.parent.parent.name, file.read_text().strip()
        # Let go of, and kept only by a mount namespace that a stranger opened meanwhile; ours are found as processes.
        freed = (file.parent / "autoclear").read_text().strip() == "1" and f"/dev/{name}" not in mounted
        if Path(backing).is_relative_to(folder) and not freed:
            yield f"loop device {name} ({backing})"


def _processes(folder: Path, tags: Iterable[str]) -> Iterator[str]:
    signs = (f"{folder}/", *(f"{tag}-" for tag in tags))
    ours = _ancestors()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in ours:
            continue
        try:
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if any(sign in words for sign in signs):
            yield f"process {entry.name}: {words[:160]}"


def _ancestors() -> set[int]:
    found, pid = set(), os.getpid()
    while pid > 1:
        found.add(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return found


def _namespaces() -> list[str]:
    folder = Path("/run/netns")
    return [entry.name for entry in folder.iterdir()] if folder.is_dir() else []


def _tables() -> list[str]:
    listed = run(["nft", "-j", "list", "tables"], timeout=10, expect=())
    if listed.code:
        return []
    return [entry["table"]["name"] for entry in json.loads(listed.out)["nftables"] if "table" in entry]


def _links() -> list[str]:
    return [entry.name for entry in Path("/sys/class/net").iterdir()]


if __name__ == "__main__":
    left = leftovers(Path(sys.argv[1]).resolve())
    sys.stdout.write("".join(f"left behind: {thing}\n" for thing in left))
    sys.exit(bool(left))
