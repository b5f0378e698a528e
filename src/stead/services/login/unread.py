"""A request's body is read to its end before it is refused.

A proxy that still sends one to a program that has answered and closed sees a broken pipe, and tells the client "502 Bad
Gateway" in place of the answer (RFC 9112, 9.6). Runs inside the machine, standard library only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

Start = Callable[..., Any]

#: Seconds for the rest of a body of somebody who is logged in, and of a stranger; and for its next piece.
_KNOWN, _STRANGER, _PIECE = 60.0, 10.0, 5.0


def reading_first(environ: dict[str, Any], start: Start) -> Start:
    """``start_response`` that reads what is left of the body before an answer of 400 and above."""
    body, connection = environ["wsgi.input"], environ.get("gunicorn.socket")

    def started(status: str, *more: Any) -> Any:
        if status >= "4":
            seconds = _KNOWN if "REMOTE_USER" in environ else _STRANGER
            _read_to_the_end(body, connection, time.monotonic() + seconds)
        return start(status, *more)

    return started


def _read_to_the_end(body: Any, connection: Any, deadline: float) -> None:
    before = None
    try:
        if connection is not None:
            before = connection.gettimeout()
            connection.settimeout(_PIECE)
        while time.monotonic() < deadline and body.read(1 << 16):
            pass
    except Exception:  # a body that is cut short or none: the answer stands
        return
    finally:
        if connection is not None:
            connection.settimeout(before)
