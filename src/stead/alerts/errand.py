"""One errand of a short-lived unprivileged process: a message carried out, or the dead man's switch fed.

The process reads one job (JSON) from standard input, loads what it needs, gives up root and prints what happened as
JSON. Answers of foreign servers are parsed only there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from stead.alerts.ways import secrets_of
from stead.run.privileges import HostUser, give_up_root

_MEMORY = 1 << 30
_DETAIL = 300

#: Makes, from a job's fields, what carries the message; that returns a detail, or raises whatever it likes.
Prepare = Callable[..., Callable[[], str]]


class NotSent(Exception):
    """It could not be sent; the text says why."""


def run_errand(prepare: Prepare) -> None:
    """Do the job on standard input; exit 0 with JSON on standard output whatever the other side answered."""
    job = json.load(sys.stdin)
    try:
        carry = prepare(**job)
        give_up_root(HostUser.ERRANDS, memory=_MEMORY, network=True)
        good, detail = True, carry()
    except Exception as trouble:  # whatever the other side or a library does is told, not died of
        good, detail = False, str(trouble) or type(trouble).__name__
    json.dump({"good": good, "detail": _told(detail, str(job.get("url", "")))}, sys.stdout)


def _told(detail: str, url: str) -> str:
    """What happened in one line, without anything secret of the address."""
    line = " ".join(detail.split())
    for secret in secrets_of(url):
        line = line.replace(secret, "***")
    return line[:_DETAIL]
