"""Ask the probe helper: probe a machine from outside, write markers into it, read the newest ones back."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Any

from stead.run import run
from stead.words.probe import MarkerReading, ProbeResult, Target
from stead.words.quantities import read_time, say_time
from stead.words.verdict import Verdict

#: Seconds one round of all probes may take before the helper is killed.
ROUND_LIMIT = 90.0
#: Seconds a rehearsed machine gets until everything must have worked once.
REHEARSAL_PATIENCE = 30.0


def probe(target: Target, netns: str | None, *, patience: float = 0.0) -> tuple[ProbeResult, ...]:
    """Run every probe against the machine; one result each, in the services' order.

    What fails is tried again for ``patience`` seconds: a machine that has just booted needs a moment.
    """
    return tuple(map(_result, _ask("probe", target, netns, patience=patience)))


def mark(target: Target, netns: str | None, when: datetime) -> dict[str, str | None]:
    """Write a marker dated ``when`` into every service that keeps them; service name to error (None: written)."""
    rows = _ask("mark", target, netns, when=say_time(when))
    return {row["service"]: row["error"] for row in rows}


def drill(target: Target, netns: str | None) -> tuple[tuple[MarkerReading, ...], tuple[ProbeResult, ...]]:
    """What a drill asks of a restored machine, in this order: the newest old markers, then every probe."""
    answer = _ask("drill", target, netns, patience=REHEARSAL_PATIENCE)
    markers = tuple(
        MarkerReading(row["service"], read_time(row["newest"]) if row["newest"] else None, row["error"] or "")
        for row in answer["markers"]
    )
    return markers, tuple(map(_result, answer["probes"]))


def write_target(target: Target) -> dict[str, Any]:
    """A target as JSON can carry it; the password travels on the helper's standard input only."""
    raw = asdict(target)
    raw["endpoints"] = {name: (endpoint.host, endpoint.port) for name, endpoint in target.endpoints.items()}
    return raw


def _ask(action: str, target: Target, netns: str | None, *, patience: float = 0.0, when: str | None = None) -> Any:
    job = {"action": action, "target": write_target(target), "netns": netns, "patience": patience, "when": when}
    result = run(
        [sys.executable, "-m", "stead.rehearsal.helper"],
        stdin=json.dumps(job),
        timeout=ROUND_LIMIT + patience,
        secrets=(target.password,),
    )
    return json.loads(result.out)


def _result(row: dict[str, Any]) -> ProbeResult:
    return ProbeResult(row["name"], row["service"], Verdict(row["verdict"]), row["seconds"], row["detail"])
