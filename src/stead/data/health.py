"""Is data's file system well: mounted, writable, no device errors, room left under it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from stead.data.mounts import mount_at
from stead.data.room import free_share, to_spare
from stead.run import run
from stead.words.home import Home
from stead.words.quantities import say_size, say_time
from stead.words.verdict import Finding, Severity

_COUNTER = re.compile(r"\.(\w+_errs)\s+(\d+)$", re.MULTILINE)
_LOW = 0.10


def check(home: Home) -> tuple[Finding, ...]:
    """Everything wrong with data's file system now; empty when all is well. Takes some tens of milliseconds."""
    mounted = mount_at(home.data_mount)
    if mounted is None:
        return (_finding("data-not-mounted", Severity.ALARM, "data is not mounted", "run `stead up`"),)
    findings = []
    if not mounted.writable:
        words = "data has become read-only: the kernel met an error on its disk"
        findings.append(_finding("data-read-only", Severity.ALARM, words, "look at `dmesg`, then check the disk"))
    findings += _device_errors(home) + _scrub_errors(home) + _room(home)
    return tuple(findings)


def scrub(home: Home, *, timeout: float = 6 * 3600) -> tuple[Finding, ...]:
    """Read everything in data once and compare it with its checksums (IO heavy; idle priority)."""
    run(["btrfs", "scrub", "start", "-B", "-c", "3", home.data_mount], timeout=timeout, expect=())
    return tuple(_device_errors(home) + _scrub_errors(home))


def _device_errors(home: Home) -> list[Finding]:
    stats = run(["btrfs", "device", "stats", home.data_mount], timeout=30).out
    bad = {name: int(count) for name, count in _COUNTER.findall(stats) if int(count)}
    if not bad:
        return []
    words = "data's disk gave errors: " + ", ".join(f"{name} {count}" for name, count in bad.items())
    return [_finding("data-device-errors", Severity.ALARM, words, "run `stead drill --full` now, then change the disk")]


def _scrub_errors(home: Home) -> list[Finding]:
    status = run(["btrfs", "scrub", "status", home.data_mount], timeout=30).out
    summary = re.search(r"^Error summary:\s+(.*)$", status, re.MULTILINE)
    if summary is None or summary[1] == "no errors found":
        return []
    words = f"reading all of data back found damage: {summary[1]}"
    return [_finding("data-scrub-errors", Severity.ALARM, words, "restore what is damaged from a place: stead restore")]


def _room(home: Home) -> list[Finding]:
    findings = []
    if free_share(home) < _LOW:
        words = f"only {free_share(home):.0%} of the room for data is free"
        findings.append(_finding("data-nearly-full", Severity.ALARM, words, "delete what is not needed, or add disk"))
    if home.data_image.exists():
        short = -to_spare(home, home.data_image.parent)
        if short > 0:
            words = f"the computer's disk lacks {say_size(short)} of what data may still grow into"
            findings.append(
                _finding("data-host-disk", Severity.WARNING, words, f"free space under {home.data_image.parent}")
            )
    return findings


def _finding(name: str, severity: Severity, what: str, next_step: str) -> Finding:
    return Finding(name, severity, what, say_time(datetime.now(UTC)), next_step)
