"""Runs inside the machine as the files user: puts files back through the files service's own program, in one process.

Locks, properties, modes and the rule that a name never shows half a file are therefore the service's own. Nothing that
is there is written over: what is taken already gets the name beside it.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
from collections.abc import Callable
from typing import Any, BinaryIO
from urllib.parse import quote

_PARTS = ["/usr/lib/stead/files", "/usr/lib/stead/python"]


def main() -> None:
    """Take every file in turn."""
    source = sys.stdin.buffer
    sys.path[:0] = _PARTS
    try:
        job = json.loads(source.readline())
        app = importlib.import_module("stead.services.files.guest.app")
        # The gate in front asks for a password; whoever runs this is inside already.
        share = Share(app.application._app, job["user"])
        while line := source.readline():
            file = json.loads(line)
            body = Body(source, file["size"])
            _say(share.take(file, body))
            body.drain()
    except (OSError, ValueError, KeyError, ImportError) as refused:
        _say({"error": str(refused)[:300]})


class Body:
    """The content of one file, and no byte more."""

    def __init__(self, source: BinaryIO, size: int) -> None:
        self._source, self._left = source, size

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        piece = self._source.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(piece)
        return piece

    def drain(self) -> None:
        """Pass over what nobody read."""
        while self._left and self.read(1 << 18):
            pass


class Share:
    """The files as one account sees them."""

    def __init__(self, program: Callable[..., Any], user: str) -> None:
        self._program, self._user = program, user
        self._made: set[str] = set()

    def take(self, file: dict[str, Any], body: Body) -> dict[str, object]:
        """Store one file (or, without content, make a folder) under its first name that is free."""
        for path in file["paths"]:
            if self._ask("HEAD", path)[0] not in (404, 409):
                continue
            trouble = self._make_folders(path, last=file.get("folder", False))
            if trouble or file.get("folder"):
                return trouble or {"path": path}
            status, words = self._ask("PUT", path, body, int(file["mtime"]), int(file["size"]))
            if status == 201:
                return {"path": path}
            if status != 412:
                return {"path": path, "refused": f"{status} {words}"}
        return {"path": file["paths"][-1], "there": True}

    def _make_folders(self, path: str, *, last: bool) -> dict[str, object] | None:
        parts = path.strip("/").split("/")
        for end in range(2, len(parts) + last):
            folder = "/" + "/".join(parts[:end])
            if folder in self._made:
                continue
            status, words = self._ask("MKCOL", folder)
            if status not in (201, 405):
                return {"path": path, "refused": f"{status} {words}"}
            self._made.add(folder)
        return None

    def _ask(self, method: str, path: str, body: Body | None = None, mtime: int = 0, size: int = 0) -> tuple[int, str]:
        raw = quote(path, errors="surrogateescape")
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "/files",
            "PATH_INFO": path.encode("utf-8", "surrogateescape").decode("latin-1"),
            "RAW_URI": "/files" + raw,
            "QUERY_STRING": "",
            "REMOTE_USER": self._user,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost",
            "wsgi.url_scheme": "https",
            "wsgi.input": body or io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "CONTENT_LENGTH": str(size),
        }
        if method == "PUT":
            environ |= {"HTTP_IF_NONE_MATCH": "*", "HTTP_X_OC_MTIME": str(mtime)}
        said: list[str] = []
        answer = self._program(environ, lambda status, _headers, _info=None: said.append(status))
        try:
            for _piece in answer:
                pass
        finally:
            close = getattr(answer, "close", None)
            if close:
                close()
        code, _, words = (said[0] if said else "500 no answer").partition(" ")
        return int(code), words


def _say(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
