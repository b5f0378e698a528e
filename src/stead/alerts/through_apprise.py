"""A message through Apprise, to one of a hundred services: run as ``python -m stead.alerts.through_apprise``."""

from __future__ import annotations

import encodings.idna  # noqa: F401  (loaded now: after giving up root Python may be unreadable)
import logging
from collections.abc import Callable

import apprise

from stead.alerts.errand import NotSent, run_errand


def prepare(url: str, title: str, body: str) -> Callable[[], str]:
    """Load the service's part of Apprise; what is returned sends."""
    way = apprise.Apprise.instantiate(url)
    if way is None:
        raise NotSent("Apprise does not know this kind of address, or it is incomplete")
    ways = apprise.Apprise()
    ways.add(way)

    def send() -> str:
        with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:  # type: ignore[no-untyped-call]
            if ways.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT):
                return "sent"
            words = said.getvalue().strip().splitlines()
        raise NotSent(words[-1] if words else "the service did not take it")

    return send


if __name__ == "__main__":
    run_errand(prepare)
