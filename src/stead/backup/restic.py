"""Restic, the program: one function per thing it does for us, over its JSON. Which answer is good is judged elsewhere.

Needs restic 0.18: older ones have other exit codes. Reading calls take no lock in the place and use no cache.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from stead.backup.place import Kind, Place, credentials, split_url
from stead.backup.ssh import HOSTS, KEY, ssh_options
from stead.backup.troubles import (
    PlaceRefuses,
    PlaceUnreachable,
    error_lines,
    is_unreachable,
    last_try,
    refuses,
    trouble,
)
from stead.run import CommandError, Result, run
from stead.words.errors import UnprovenError
from stead.words.quantities import read_time

_GUARD = Path(__file__).with_name("guard.py")

#: Seconds a place gets to answer a small question. Restic itself would retry in silence for 15 minutes.
ANSWER_WITHIN = 45.0
LIST_WITHIN = 300.0
LONG_WITHIN = 3600.0
#: Ids on one command line.
_AT_ONCE = 500
_PACK = re.compile(r"\bpack ([0-9a-f]{64})\b")
_SUMMED_UP = "repository contains errors"

#: Where a snapshot's data and a release always lie, whatever their host's folders are called.
DATA_PATH = "/run/stead/data"
RELEASE_PATH = "/run/stead/release"


@dataclass(frozen=True)
class Restic:
    """The program and the place it works on. ``cache`` None: cold, nothing is kept on this computer."""

    program: Path
    place: Place
    cache: Path | None = None

    def words(self, *words: str | Path, lock: bool = False) -> list[str]:
        """The command line: it holds no secret and no address."""
        line = [str(self.program), "--json"]
        if self.cache is None:
            line.append("--no-cache")
        if not lock:
            line.append("--no-lock")
        for option, limit in (
            ("--limit-upload", self.place.limits.upload),
            ("--limit-download", self.place.limits.download),
        ):
            if limit is not None:
                # Restic counts in KiB a second.
                line.append(f"{option}={max(1, limit // 1024)}")
        if self.place.kind is Kind.SFTP:
            line += ["-o", f"sftp.args={ssh_options(credentials(self.place))}"]
        return line + [str(word) for word in words]

    def guarded(
        self, line: Sequence[str], binds: Mapping[Path, str] | None = None, *, outlives: bool = False
    ) -> list[str]:
        """``line`` run so that it ends when this process does (or ``outlives`` it), seeing each of ``binds`` at its
        constant path, with ssh's complaints among its own."""
        bound = [word for source, target in (binds or {}).items() for word in ("--bind", str(source), target)]
        return [sys.executable, "-I", "-S", str(_GUARD), "0" if outlives else str(os.getpid()), *bound, "--", *line]

    def env(self) -> dict[str, str]:
        """The environment that carries address, password file and credentials."""
        env = {name: value for name, value in credentials(self.place).items() if name not in (KEY, HOSTS)}
        env["RESTIC_REPOSITORY"] = split_url(self.place.url)[0]
        env["RESTIC_PASSWORD_FILE"] = str(self.place.password_file)
        env["RESTIC_PROGRESS_FPS"] = "2"
        # Restic reads and stores times in the computer's zone; retention counts hours and days in UTC.
        env["TZ"] = "UTC"
        if self.cache is not None:
            env["RESTIC_CACHE_DIR"] = str(self.cache)
        return env

    def secrets(self) -> list[str]:
        """What must never be shown."""
        return [value for name, value in credentials(self.place).items() if "USER" not in name]


@dataclass(frozen=True)
class Snapshot:
    """One snapshot as the place lists it; ``files`` and ``size`` are what restic counted when it was made."""

    id: str
    began_at: datetime
    tags: frozenset[str]
    paths: tuple[str, ...]
    files: int
    size: int


@dataclass(frozen=True)
class Checked:
    """What ``restic check`` found; ``problems`` empty: nothing wrong in what it looked at. ``packs`` are damaged."""

    problems: tuple[str, ...] = field(default=())
    packs: tuple[str, ...] = field(default=())


def ask(restic: Restic, *words: str | Path, timeout: float = ANSWER_WITHIN, lock: bool = False) -> Result:
    """One question to the place; the noun of the trouble is raised on any bad exit code."""
    result = _ask(restic, words, timeout, lock)
    if result.code != 0:
        raise trouble(restic.place.name, result.code, result.err)
    return result


def _ask(restic: Restic, words: Sequence[str | Path], timeout: float, lock: bool) -> Result:
    line = restic.guarded(restic.words(*words, lock=lock))
    try:
        return run(line, timeout=timeout, expect=(), env=restic.env(), secrets=restic.secrets())
    except CommandError as never_ended:
        if not restic.program.exists():
            raise
        raise refuses(restic.place.name, never_ended.said) or PlaceUnreachable(
            f"the place {restic.place.name} did not answer within {timeout:.0f} s"
            + (f" ({last})" if (last := last_try(never_ended.said)) else ""),
            hint="is it switched on and connected?",
        ) from never_ended


def init(restic: Restic) -> str:
    """Make a new repository; its id."""
    return str(_json(ask(restic, "init", lock=True, timeout=120).out)["id"])


def repository_id(restic: Restic) -> str:
    """The repository's id: the smallest question that needs the address, the place and the password to be right."""
    return str(_json(ask(restic, "cat", "config").out)["id"])


def snapshots(restic: Restic, *ids: str) -> tuple[Snapshot, ...]:
    """The snapshots in the place (or the ones asked for), oldest first."""
    listed = json.loads(ask(restic, "snapshots", *ids, timeout=LIST_WITHIN).out or "[]")
    return tuple(sorted(map(_snapshot, listed or []), key=lambda snapshot: snapshot.began_at))


def list_ids(restic: Restic, kind: str) -> frozenset[str]:
    """The ids of all ``packs``, ``snapshots`` or ``index`` files that are really in the place now."""
    folder = restic.place.folder
    if folder is not None:
        # The folder itself is the coldest listing there is, and takes no time.
        pattern = "data/*/*" if kind == "packs" else f"{kind}/*"
        return frozenset(path.name for path in folder.glob(pattern) if len(path.name) == 64)
    return frozenset(ask(restic, "list", kind, timeout=LIST_WITHIN).out.split())


def unlock(restic: Restic) -> None:
    """Remove locks of dead processes of this computer. Only under our own lock, in the host's PID namespace."""
    ask(restic, "unlock", lock=True, timeout=120)


def delete_snapshot(restic: Restic, snapshot: str) -> bool:
    """Ask the place to delete a snapshot; whether it refused. Restic 0.18 ends with 0 either way, so its words count.

    Raises the noun when it could not be asked.
    """
    result = _ask(restic, ["forget", snapshot], 120.0, lock=True)
    found = trouble(restic.place.name, result.code, result.err)
    if "unable to remove" in result.err or (result.code != 0 and isinstance(found, PlaceRefuses)):
        return True
    if result.code != 0:
        raise found
    return False


def ls(restic: Restic, snapshot: str, *folders: str) -> tuple[dict[str, Any], ...]:
    """The nodes of a snapshot (or of some folders in it) as restic prints them: path, type, size, mode and so on."""
    lines = ask(restic, "ls", snapshot, *folders, timeout=LIST_WITHIN).out.splitlines()
    nodes = [json.loads(line) for line in lines if line.startswith("{")]
    return tuple(node for node in nodes if node.get("struct_type") == "node")


def check(restic: Restic, *, subset: str | None = None, timeout: float = 3600.0) -> Checked:
    """Check the place's structure and, with ``subset`` ("5%", "1/30", "500M"), read that much of its content."""
    extra = ["--read-data-subset", subset] if subset else []
    result = _ask(restic, ["check", *extra], timeout, lock=False)
    return checked(restic, result.code, result.err)


def checked(restic: Restic, code: int, said: str) -> Checked:
    """The findings of a ``restic check`` by its exit code and stderr; raises the noun of what kept it from looking."""
    wrong = trouble(restic.place.name, code, said)
    if code not in (0, 1) or (code and isinstance(wrong, UnprovenError | PlaceRefuses)):
        raise wrong
    lines = error_lines(said)
    problems = tuple(line for line in lines if line != _SUMMED_UP) or lines
    if code == 1 and not problems:
        problems = ("restic check failed and did not say why",)
    # A pack that could not be fetched is not damaged: nothing is known of it.
    read = [line for line in lines if not is_unreachable(line)]
    return Checked(problems, tuple(dict.fromkeys(pack for line in read for pack in _PACK.findall(line))))


def forget(restic: Restic, ids: Iterable[str]) -> tuple[str, ...]:
    """Take these snapshots off the list of the place, by their full ids; returns what restic complained about.

    Where that is refused, restic 0.18 ends with 0 all the same: count afterwards.
    """
    said: list[str] = []
    words = sorted(ids)
    for at in range(0, len(words), _AT_ONCE):
        result = ask(restic, "forget", *words[at : at + _AT_ONCE], timeout=LONG_WITHIN, lock=True)
        said += error_lines(result.err)
    return tuple(said)


def prune(restic: Restic, *, timeout: float) -> None:
    """Remove what no snapshot needs; rewrites packs and indexes. Only under our own lock ``alone``."""
    ask(restic, "prune", timeout=timeout, lock=True)


def _json(text: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(text)
    return answer


def _snapshot(raw: Mapping[str, Any]) -> Snapshot:
    summary = raw.get("summary") or {}
    return Snapshot(
        id=raw["id"],
        began_at=read_time(raw["time"]),
        tags=frozenset(raw.get("tags") or ()),
        paths=tuple(raw["paths"]),
        files=int(summary.get("total_files_processed", 0)),
        size=int(summary.get("total_bytes_processed", 0)),
    )
