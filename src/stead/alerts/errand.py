"""One errand of a short-lived unprivileged process: a message carried out, or the dead man's switch fed.

The process reads one job (JSON) from standard input, loads what it needs, gives up root and prints what happened as
JSON. Answers of foreign servers are parsed only there.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import sys
from collections.abc import Callable

from stead.alerts.ways import secrets_of

#: Host user of these processes: no passwd entry, outside every machine's id range.
ERRAND_UID = 590003
_MEMORY = 1 << 30
_PR_SET_NO_NEW_PRIVS = 38
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
        give_up_root()
        good, detail = True, carry()
    except Exception as trouble:  # whatever the other side or a library does is told, not died of
        good, detail = False, str(trouble) or type(trouble).__name__
    json.dump({"good": good, "detail": _told(detail, str(job.get("url", "")))}, sys.stdout)


def give_up_root() -> None:
    """Become the errand's user for good, with bounded memory."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(ERRAND_UID, ERRAND_UID, ERRAND_UID)
        os.setresuid(ERRAND_UID, ERRAND_UID, ERRAND_UID)
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _told(detail: str, url: str) -> str:
    """What happened in one line, without anything secret of the address."""
    line = " ".join(detail.split())
    for secret in secrets_of(url):
        line = line.replace(secret, "***")
    return line[:_DETAIL]
