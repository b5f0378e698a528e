"""Keep where the server is reached in the records, so that the status need not load every service to say it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from stead.records import Records
from stead.words.home import Home


def note_endpoints(home: Home, endpoints: Mapping[str, str]) -> None:
    """Keep the endpoints, if they are others than those kept."""
    with Records(home.records) as records:
        known = records.noted("endpoints")
        if known is None or dict(known.content) != dict(endpoints):
            records.note("endpoints", endpoints, datetime.now(UTC))
