"""A machine's plan as JSON: the launcher is a process of its own, and the live machine comes back after a reboot."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stead.words.declaration import Egress, Port, TreeFile
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.machine import Bind, MachinePlan, NetworkKind


def save(plan: MachinePlan, file: Path) -> None:
    """Write the plan, whole or not at all; only root may read it (rendered configuration holds secrets)."""
    raw = asdict(plan)
    for entry in raw["config"]:
        entry["content"] = base64.b64encode(entry["content"]).decode()
    raw["uids"], raw["gids"] = dict(plan.uids), dict(plan.gids)
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w") as out:
        json.dump(raw, out, default=str)
        out.flush()
        os.fsync(out.fileno())
    draft.rename(file)


def load(file: Path) -> MachinePlan:
    """The plan written by :func:`save`."""
    try:
        raw: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        raise SteadError(f"there is no machine plan at {file}", hint="run: stead up") from None
    home = raw["home"]
    return MachinePlan(
        home=Home(Path(home["etc"]), Path(home["lib"]), Path(home["run"]), home["tag"]),
        name=raw["name"],
        tree=Path(raw["tree"]),
        config=tuple(TreeFile(**{**f, "content": base64.b64decode(f["content"])}) for f in raw["config"]),
        binds=tuple(Bind(Path(b["host"]), b["guest"], b["writable"]) for b in raw["binds"]),
        network=NetworkKind(raw["network"]),
        ports=tuple(Port(**p) for p in raw["ports"]),
        egress=tuple(Egress(e["user"], e["protocol"], tuple(e["ports"])) for e in raw["egress"]),
        uids=raw["uids"],
        gids=raw["gids"],
        sink_port=raw["sink_port"],
        port_shift=raw["port_shift"],
    )
