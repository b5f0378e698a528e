"""Probes and markers of the files service, made in the watch account's own folder."""

from __future__ import annotations

import secrets
from datetime import datetime

from stead.probes import dav
from stead.probes.http import connected
from stead.words.declaration import MarkerKind
from stead.words.probe import Probe, ProbeFailure, Target

_SIZE = 200_000
_LOCK = b"""<?xml version="1.0"?><lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype>
<owner>stead probe</owner></lockinfo>"""


def _folder(target: Target) -> str:
    return f"/files/{target.account}/"


def _stored(target: Target) -> str:
    place, content = dav.path(_folder(target), dav.probe_name("bin")), secrets.token_bytes(_SIZE)
    with connected(target) as client, dav.passing(client, place):
        client.expect((201,), "PUT", place, body=content)
        again = content[::-1]
        client.expect((204,), "PUT", place, body=again)
        if client.expect((200,), "GET", place).body != again:
            raise ProbeFailure("a file was stored but other bytes came back")
    return f"a file of {_SIZE} bytes was stored, replaced, read back, and removed"


def _fetched_in_part(target: Target) -> str:
    place, content = dav.path(_folder(target), dav.probe_name("bin")), secrets.token_bytes(_SIZE)
    with connected(target) as client, dav.passing(client, place):
        client.expect((201,), "PUT", place, body=content)
        part = client.expect((206,), "GET", place, headers={"Range": "bytes=100000-100999"})
        end = client.expect((206,), "GET", place, headers={"Range": "bytes=-5"})
        if part.body != content[100000:101000] or end.body != content[-5:]:
            raise ProbeFailure("a part of a file was asked for but other bytes came back")
    return "a file was fetched in parts"


def _lock_honoured(target: Target) -> str:
    place, held = dav.path(_folder(target), dav.probe_name("bin")), dict[str, str]()
    with connected(target) as client, dav.passing(client, place, held):
        client.expect((201,), "PUT", place, body=b"before")
        headers = {"Timeout": "Second-60", "Depth": "0", "Content-Type": "application/xml"}
        locked = client.expect((200,), "LOCK", place, body=_LOCK, headers=headers)
        held["If"] = f"({locked.headers.get('lock-token', '')})"
        client.expect((423,), "PUT", place, body=b"without the token")
        client.expect((204,), "PUT", place, body=b"with it", headers=held)
    return "a locked file could be written by the lock's holder only"


def _write_marker(target: Target, when: datetime) -> None:
    folder = _folder(target)
    name = dav.marker_name(when, "txt")
    with connected(target) as client:
        client.expect((201, 204), "PUT", dav.path(folder, name), body=f"{name}\n".encode())
        dav.sweep(client, folder, when)


def _newest_marker(target: Target) -> datetime | None:
    with connected(target) as client:
        return dav.newest(dav.names(client, _folder(target)))


PROBES = (
    Probe("file stored", "files", _stored),
    Probe("file fetched and range-read", "files", _fetched_in_part),
    Probe("lock honoured", "files", _lock_honoured),
)
MARKER = MarkerKind(_write_marker, _newest_marker)
