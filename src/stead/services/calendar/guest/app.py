"""Radicale behind the gate: the WSGI program of the calendar service, run by gunicorn inside the machine."""
# mypy: disable-error-code="import-not-found,import-untyped"

from __future__ import annotations

import io
from collections.abc import Iterable

from radicale import application as radicale

from stead.services.login.gate import Environ, Gate, Start, refuse, standard_login

# Radicale would work out its place in the URL from these once more, and differently.
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_SERVER", "HTTP_X_FORWARDED_PROTO")


def _program(environ: Environ, start: Start) -> Iterable[bytes]:
    if _has_entities(environ):
        return refuse(start, "400 Bad Request")
    for name in _FORWARDED:
        environ.pop(name, None)
    # A Destination without a port means this one; over a unix socket gunicorn knows no port.
    environ["wsgi.url_scheme"], environ["SERVER_PORT"] = "https", "443"
    answer: Iterable[bytes] = radicale(environ, start)
    return answer


def _has_entities(environ: Environ) -> bool:
    """Radicale's parser refuses entities as it should, but takes it for a fault of its own and logs a page about it."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return environ["REQUEST_METHOD"] != "PUT" and b"<!ENTITY" in body


application = Gate(_program, standard_login("calendar"), mount="/calendar")
