"""Runs inside the machine as the calendar user: puts entries and contacts back through Radicale itself, in one process.

A collection that is gone is made again. What is there already stays; a changed one gets a copy with a UID of its own.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import sys
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

_SETTINGS = "/usr/lib/stead/calendar/radicale.ini"
_UID = re.compile(rb"^UID(?:;[^:\r\n]*)?:(.*(?:\r?\n[ \t].*)*)", re.MULTILINE)
_KINDS = {".ics": "text/calendar; charset=utf-8", ".vcf": "text/vcard; charset=utf-8"}
_NEW = (
    '<?xml version="1.0"?><mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
    ' xmlns:CR="urn:ietf:params:xml:ns:carddav"><set><prop><resourcetype><collection/><{kind}/></resourcetype>'
    "<displayname>{name}</displayname></prop></set></mkcol>"
)


def main() -> None:
    """Take every entry in turn."""
    source = sys.stdin.buffer
    os.environ["RADICALE_CONFIG"] = _SETTINGS
    try:
        job = json.loads(source.readline())
        calendars = Calendars(importlib.import_module("radicale").application, job["user"])
        while line := source.readline():
            entry = json.loads(line)
            _say(calendars.take(entry, source.read(entry["size"])))
    except (OSError, ValueError, KeyError, ImportError) as refused:
        _say({"error": str(refused)[:300]})


class Calendars:
    """One account's collections."""

    def __init__(self, program: Callable[..., Any], user: str) -> None:
        self._program, self._user = program, user

    def take(self, entry: dict[str, Any], content: bytes) -> dict[str, object]:
        """Store one entry; where its name or its UID is taken: as a copy with a UID of its own."""
        name, folder = entry["name"], f"/{self._user}/{entry['folder']}/"
        self._ensure(folder, entry["title"], name)
        status, there = self._ask("GET", folder + name)
        if status == 200 and _same(there, content):
            return {"folder": entry["folder"], "there": True}
        if status != 200 and self._put(folder + name, content) in (201, 204):
            return {"folder": entry["folder"]}
        uid = str(uuid.uuid4())
        copy = _UID.sub(b"UID:" + uid.encode(), content)
        status = self._put(f"{folder}{uid}{name[-4:]}", copy)
        if status not in (201, 204):
            return {"folder": entry["folder"], "refused": str(status)}
        return {"folder": entry["folder"], "copy": True}

    def _ensure(self, folder: str, title: str, name: str) -> None:
        if self._ask("PROPFIND", folder, headers={"HTTP_DEPTH": "0"})[0] == 207:
            return
        kind = "CR:addressbook" if name.endswith(".vcf") else "C:calendar"
        shown = title.replace("&", "&amp;").replace("<", "&lt;")
        self._ask("MKCOL", folder, _NEW.format(kind=kind, name=shown).encode(), {"CONTENT_TYPE": "text/xml"})

    def _put(self, path: str, content: bytes) -> int:
        headers = {"CONTENT_TYPE": _KINDS[path[-4:]], "HTTP_IF_NONE_MATCH": "*"}
        return self._ask("PUT", path, content, headers)[0]

    def _ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "/calendar",
            "PATH_INFO": path,
            "REQUEST_URI": "/calendar" + quote(path),
            "QUERY_STRING": "",
            "REMOTE_USER": self._user,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost",
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "CONTENT_LENGTH": str(len(body)),
            **(headers or {}),
        }
        said: list[str] = []
        answer = self._program(environ, lambda status, _headers, _info=None: said.append(status))
        return int(said[0].partition(" ")[0]), b"".join(answer)


def _same(one: bytes, other: bytes) -> bool:
    return one.replace(b"\r\n", b"\n").strip() == other.replace(b"\r\n", b"\n").strip()


def _say(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
