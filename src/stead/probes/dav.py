"""What probes and markers do in a WebDAV folder: list it, and keep dated objects in it.

The name of such an object is ``KIND-TIME.SUFFIX`` with an RFC 3339 time. Listings come from the machine, so they are
searched for names, never parsed as XML.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from stead.probes.http import Client
from stead.words.probe import ProbeFailure
from stead.words.quantities import read_time, say_time

#: Dated objects older than this are swept away.
KEPT = timedelta(hours=1)
_HREF = re.compile(rb"<(?:[A-Za-z0-9]+:)?href>([^<]{1,1024})</")
_DATED = re.compile(r"(marker|probe)-(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)(?:-[0-9a-f]+)?\.[a-z]{3}")
_PROPFIND = b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>'


def names(client: Client, folder: str) -> list[str]:
    """The names of a folder's members; ``folder`` ends with a slash. Empty when there is no such folder."""
    headers = {"Depth": "1", "Content-Type": "application/xml"}
    answer = client.expect((207, 404), "PROPFIND", folder, body=_PROPFIND, headers=headers)
    if answer.status == 404:
        return []
    found = (
        unquote(href.decode("utf-8", "replace").rstrip("/")).rpartition("/") for href in _HREF.findall(answer.body)
    )
    return [name for parent, _, name in found if parent + "/" == unquote(folder)]


def marker_name(when: datetime, suffix: str) -> str:
    """The name of the marker written at ``when``."""
    return f"marker-{say_time(when)}.{suffix}"


def probe_name(suffix: str) -> str:
    """A name nobody else uses, dated so that it is swept away if the probe is cut short."""
    return f"probe-{say_time(datetime.now(UTC))}-{secrets.token_hex(4)}.{suffix}"


def path(folder: str, name: str) -> str:
    """A member's place in the URL."""
    return folder + quote(name)


@contextmanager
def passing(client: Client, place: str, headers: dict[str, str] | None = None) -> Iterator[None]:
    """Remove ``place`` when the block ends, and see that it is gone; what failed inside stays the failure told.

    ``headers`` are read when the block has ended, so a lock's token may be put in by it.
    """
    try:
        yield
    except BaseException:
        with suppress(Exception):
            client.request("DELETE", place, headers=headers)
        raise
    client.expect((200, 204), "DELETE", place, headers=headers)
    if client.request("GET", place).status != 404:
        raise ProbeFailure("what was removed is still there")


def newest(found: list[str]) -> datetime | None:
    """The time of the newest marker among ``found`` names."""
    return max((when for name in found if (when := _time(name, "marker"))), default=None)


def sweep(client: Client, folder: str, now: datetime) -> None:
    """Remove the dated objects in ``folder`` that are older than :data:`KEPT`."""
    for name in names(client, folder):
        when = _time(name)
        if when is not None and when < now - KEPT:
            client.expect((200, 204, 404), "DELETE", path(folder, name))


def _time(name: str, kind: str | None = None) -> datetime | None:
    match = _DATED.fullmatch(name)
    if not match or kind not in (None, match[1]):
        return None
    try:
        return read_time(match[2])
    except ValueError:
        return None
