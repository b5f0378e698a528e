"""The probe helper: a short-lived unprivileged process that stands where a machine's users stand.

It reads one job (JSON) from standard input, joins the network namespace outside the machine, gives up root, probes,
writes markers or reads them, and prints JSON. What the machine answers is hostile bytes, so it is parsed only here.
Started as ``python -m stead.rehearsal.helper``.
"""

from __future__ import annotations

import email.policy  # noqa: F401  (it and idna are loaded now: after giving up root Python may be unreadable)
import encodings.idna  # noqa: F401
import json
import resource
import ssl
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from stead.run import kernel
from stead.run.privileges import HostUser, give_up_root
from stead.services import SERVICES
from stead.words.declaration import Service
from stead.words.errors import SteadError
from stead.words.probe import Endpoint, Probe, ProbeFailure, Target, Unprovable
from stead.words.quantities import read_time, say_time
from stead.words.verdict import Verdict

_MEMORY = 1 << 30
_PAUSE = 0.3


def main() -> None:
    """Do the job on standard input; exit 0 with JSON on standard output whatever the machine answered."""
    job = json.load(sys.stdin)
    ssl.create_default_context()
    datetime.strptime("2026", "%Y")  # loads its parser, see above
    for service in SERVICES:
        _ = service.probes, service.marker  # loads them, likewise
    step_outside(job["netns"])
    target = read_target(job["target"])
    until = time.monotonic() + job["patience"]
    actions: dict[str, Callable[[], object]] = {
        "probe": lambda: _probe_all(SERVICES, target, until),
        "mark": lambda: _mark_all(SERVICES, target, read_time(job["when"])),
        "drill": lambda: {
            "markers": _newest_all(SERVICES, target, until),
            "probes": _probe_all(SERVICES, target, until),
        },
    }
    json.dump(actions[job["action"]](), sys.stdout)


def step_outside(netns: str | None) -> None:
    """Join the namespace (None: stay in the host's), then become the helper's user for good."""
    if netns is not None:
        kernel.join_netns(Path("/run/netns", netns))
    give_up_root(HostUser.PROBES, memory=_MEMORY, limits={resource.RLIMIT_NPROC: 256}, network=True)


def read_target(raw: dict[str, Any]) -> Target:
    """The target written by :func:`stead.rehearsal.outside.write_target`."""
    endpoints = {name: Endpoint(host, port) for name, (host, port) in raw.pop("endpoints").items()}
    return Target(endpoints=endpoints, **raw)


def _probe_all(services: tuple[Service, ...], target: Target, until: float) -> list[dict[str, object]]:
    """Every probe's result; what fails is tried again until the time is over: a machine just booted needs a moment."""
    probes = [probe for service in services for probe in service.probes]
    with ThreadPoolExecutor(max_workers=6) as pool:
        rows = list(pool.map(lambda probe: _probe(probe, target), probes))
        while any(row["verdict"] != Verdict.PASS.value for row in rows) and time.monotonic() < until:
            time.sleep(_PAUSE)
            again = [n for n, row in enumerate(rows) if row["verdict"] != Verdict.PASS.value]
            for number, row in zip(again, pool.map(lambda n: _probe(probes[n], target), again), strict=True):
                rows[number] = row
    return rows


def _probe(probe: Probe, target: Target) -> dict[str, object]:
    began = time.monotonic()
    verdict, detail = _judge(probe, target)
    seconds = round(time.monotonic() - began, 3)
    return {
        "name": probe.name,
        "service": probe.service,
        "verdict": verdict.value,
        "seconds": seconds,
        "detail": detail,
    }


def _judge(probe: Probe, target: Target) -> tuple[Verdict, str]:
    try:
        return Verdict.PASS, probe.check(target)
    except Unprovable as reason:
        return Verdict.UNPROVEN, str(reason)
    except ProbeFailure as reason:
        return Verdict.FAIL, str(reason)
    except SteadError as reason:
        return Verdict.FAIL, reason.message
    except Exception as reason:  # a machine may answer anything at all: whatever breaks the probe is its failure
        return Verdict.FAIL, f"{type(reason).__name__}: {reason}"[:400]


def _mark_all(services: tuple[Service, ...], target: Target, when: datetime) -> list[dict[str, object]]:
    def mark(service: Service) -> dict[str, object]:
        if service.marker is None:
            raise ValueError(f"{service.name} keeps no markers")
        began = time.monotonic()
        error = _error_of(lambda: service.marker.write(target, when) if service.marker else None)
        return {"service": service.name, "error": error, "seconds": round(time.monotonic() - began, 3)}

    return _each_marked(services, mark)


def _newest_all(services: tuple[Service, ...], target: Target, until: float) -> list[dict[str, object]]:
    def newest(service: Service) -> dict[str, object]:
        while True:
            found, error = _newest(service, target)
            if error is None or time.monotonic() >= until:
                return {"service": service.name, "newest": say_time(found) if found else None, "error": error}
            time.sleep(_PAUSE)

    return _each_marked(services, newest)


def _newest(service: Service, target: Target) -> tuple[datetime | None, str | None]:
    found: list[datetime | None] = [None]

    def read() -> None:
        if service.marker is not None:
            found[0] = service.marker.newest(target)

    error = _error_of(read)
    return found[0], error


def _each_marked(services: tuple[Service, ...], act: Callable[[Service], dict[str, object]]) -> list[dict[str, object]]:
    keeping = [service for service in services if service.marker is not None]
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(act, keeping))


def _error_of(act: Callable[[], object]) -> str | None:
    try:
        act()
    except Exception as reason:  # see _judge
        return f"{type(reason).__name__}: {reason}"[:400]
    return None


if __name__ == "__main__":
    main()
