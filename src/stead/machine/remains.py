"""Find and remove what dead machines of a home left behind. Names alone tell whose a thing is."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from stead.machine import cgroups, lifecycle, naming, network, processes, programs, state
from stead.run import kernel, run
from stead.words.home import Home

_LIMIT = 10.0
_LOOPS = Path("/sys/block")


def leftovers(home: Home) -> tuple[str, ...]:
    """Every folder, process, mount, namespace, link, firewall table, cgroup, loop device and forwarding switch of this
    home that belongs to no running machine, one line each.

    A rehearsal that is being prepared counts as well: ask while holding the lock of the acts that make them. The data
    volume's own mount is not a machine's and is not looked at.
    """
    return tuple(what for what, _ in _found(home))


def sweep(home: Home) -> None:
    """Remove the leftovers; nothing of a running machine is touched."""
    for name in {name for _, name in _found(home) if name} | set(_dead_folders(home)):
        lifecycle.clear(home, name)
    for pid, _ in _stray_processes(home):
        state.kill({pid})
        state.wait_gone({pid}, 2.0)
    for where in reversed(_stray_mounts(home)):
        kernel.detach(where)
    for device in _stray_loops(home):
        run(["losetup", "--detach", f"/dev/{device}"], timeout=_LIMIT, expect=())


def _found(home: Home) -> Iterator[tuple[str, str | None]]:
    """Each leftover in words, and the name of the machine it was of (None: it cannot be told, or of none)."""
    for name in _dead_folders(home):
        yield f"folder {naming.folder(home, name)}", name
    for kind, thing in _named(home):
        name = _machine_of(home, thing)
        if not _runs(home, name):
            yield f"{kind} {thing}", name
    for pid, command in _stray_processes(home):
        yield f"process {pid}: {command}", None
    for where in _stray_mounts(home):
        yield f"mount {where}", None
    for device in _stray_loops(home):
        yield f"loop device {device}", None


def _named(home: Home) -> Iterator[tuple[str, str]]:
    """Kernel objects that carry this home's tag."""
    prefix = f"{home.tag}-"
    if naming.NETNS.is_dir():
        yield from (("namespace", entry) for entry in os.listdir(naming.NETNS) if entry.startswith(prefix))
    yield from (("link", entry) for entry in network.links() if entry.startswith(prefix))
    tables = json.loads(run(["nft", "--json", "list", "tables"], timeout=_LIMIT).out)["nftables"]
    rows = (row["table"]["name"] for row in tables if "table" in row)
    yield from (("firewall table", row) for row in rows if row.startswith(prefix))
    if not programs.has_systemd():
        yield from (("cgroup", group) for group in cgroups.left(prefix))


def _machine_of(home: Home, thing: str) -> str:
    return re.sub(r"-out$", "", thing.removeprefix(f"{home.tag}-"))


def _runs(home: Home, name: str) -> bool:
    return state.noted(naming.folder(home, name), "supervisor") is not None


def _dead_folders(home: Home) -> tuple[str, ...]:
    return tuple(name for name in lifecycle.all_names(home) if not _runs(home, name))


def _alive_folders(home: Home) -> tuple[Path, ...]:
    return tuple(naming.folder(home, name) for name in lifecycle.all_names(home) if _runs(home, name))


def _stray_processes(home: Home) -> list[tuple[int, str]]:
    """Processes that name something under the home's run folder, and those of machines whose notes are lost."""
    alive = {pid for folder in _alive_folders(home) for pid in processes.of_machine(home, folder.name)}
    lost = {pid for name in _dead_folders(home) for pid in processes.of_machine(home, name)}
    told = dict(processes.mentioning(home.machines)) | dict.fromkeys(lost, "of a machine whose supervisor is dead")
    told |= dict(processes.saying(f"--machine={home.tag}-"))
    return sorted((pid, command) for pid, command in told.items() if pid not in alive)


def _stray_mounts(home: Home) -> list[Path]:
    alive = _alive_folders(home)
    return [
        where
        for where, _ in kernel.mount_points()
        if where != home.run and where.is_relative_to(home.run) and not any(where.is_relative_to(a) for a in alive)
    ]


def _stray_loops(home: Home) -> list[str]:
    """Loop devices whose file lies in the home's run folder (the data volume's lies elsewhere)."""
    found = []
    for backing in _LOOPS.glob("loop*/loop/backing_file"):
        try:
            file = backing.read_text().strip()
        except OSError:
            continue
        if Path(file).is_relative_to(home.run):
            found.append(backing.parts[-3])
    return found
