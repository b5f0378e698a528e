"""One call to the dead man's switch: run as ``python -m stead.alerts.feeding``. Three tries, no redirects, bounded."""

from __future__ import annotations

import encodings.idna  # noqa: F401  (loaded now: after giving up root Python may be unreadable)
import ssl
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from typing import IO

from stead.alerts.errand import NotSent, run_errand

_TRIES, _LIMIT, _PAUSE = 3, 8.0, 2.0
#: Seconds all tries may take together.
LIMIT = _TRIES * (_LIMIT + _PAUSE)
_ANSWER = 4096


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A network's login page must not pass for the watcher."""

    def redirect_request(  # noqa: PLR0917 - as the library calls it
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow nothing."""


def prepare(url: str) -> Callable[[], str]:
    """Load the trusted authorities; what is returned calls."""
    tls = urllib.request.HTTPSHandler(context=ssl.create_default_context())
    opener = urllib.request.build_opener(tls, _NoRedirects, urllib.request.ProxyHandler({}))

    def feed() -> str:
        trouble = ""
        for number in range(_TRIES):
            if number:
                time.sleep(_PAUSE)
            try:
                return _call(opener, url)
            except (OSError, HTTPException, NotSent) as wrong:
                trouble = str(wrong) or type(wrong).__name__
        raise NotSent(trouble)

    return feed


def _call(opener: urllib.request.OpenerDirector, url: str) -> str:
    request = urllib.request.Request(url, headers={"User-Agent": "stead"})
    with opener.open(request, timeout=_LIMIT) as answer:
        said = answer.read(_ANSWER).decode(errors="replace")
        # Healthchecks answers 200 to every well-formed address, also to one that it does not know.
        if answer.status != 200 or "not found" in said or "rate limited" in said:
            raise NotSent(f"it answered {answer.status} {said[:100]}")
    return "fed"


if __name__ == "__main__":
    run_errand(prepare)
