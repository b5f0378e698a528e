"""The WSGI program of the files service, run by gunicorn inside the machine: bounds, tree, errors as answers."""
# mypy: disable-error-code="import-not-found,import-untyped"

from __future__ import annotations

import errno
import io
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

from wsgidav.dav_error import DAVError, get_http_status_string
from wsgidav.lock_man.lock_manager import LockManager

from stead.services.files.guest.paths import is_plain
from stead.services.files.guest.server import Server
from stead.services.files.guest.store import Locks, Properties, Store
from stead.services.files.guest.storing import CutShort
from stead.services.files.guest.tree import Roots, Tree
from stead.services.login.gate import Environ, Gate, Start, refuse, standard_login

MOUNT = "/files"
#: Only what is stored may be long; a request's XML may not.
_XML_LIMIT = 1 << 20
_CONFIG: dict[str, Any] = {
    "block_size": 65536,
    "default_charset": "utf-8",
    "add_header_MS_Author_Via": True,
    "suppress_version_info": True,
    "mutable_live_props": ["{DAV:}getlastmodified"],
    # Windows sets a file's time in its own way, and reports an error to the user where it cannot.
    "hotfixes": {"emulate_win32_lastmod": True},
}
_STATUS = {
    errno.ENOSPC: 507,
    errno.EDQUOT: 507,
    errno.EACCES: 403,
    errno.EPERM: 403,
    errno.EROFS: 403,
    errno.ENAMETOOLONG: 400,
    errno.ENOENT: 409,
    errno.ENOTDIR: 409,
    errno.EEXIST: 409,
    errno.ENOTEMPTY: 409,
}
_log = logging.getLogger("stead.files")


class Files:
    """The program behind the gate."""

    def __init__(self, roots: Roots, database: str) -> None:
        store = Store(database)
        self._tree = Tree(roots, MOUNT)
        self._tree.set_lock_manager(LockManager(Locks(store)))
        self._tree.set_prop_manager(Properties(store))

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """The WSGI call."""
        try:
            path = environ["PATH_INFO"].encode("latin-1").decode("utf-8")
        except UnicodeDecodeError:
            return refuse(start, "400 Bad Request")
        if not is_plain(environ.get("RAW_URI", path).partition("?")[0], path):
            return refuse(start, "400 Bad Request")
        if environ["REQUEST_METHOD"] != "PUT" and not _bounded(environ):
            return refuse(start, "413 Content Too Large")
        environ |= {
            "PATH_INFO": path,
            "stead.slash": path.endswith("/"),
            "wsgidav.app": self,
            "wsgidav.config": _CONFIG,
            "wsgidav.provider": self._tree,
            "wsgidav.verbose": 1,
            "wsgidav.auth.user_name": environ["REMOTE_USER"],
        }
        return _answered(Server(self._tree), environ, start)


def _answered(server: Server, environ: Environ, start: Start) -> Iterator[bytes]:
    """The server's answer; what it raises before its first byte becomes an answer, too."""
    begun: list[Any] = []
    with closing(server(environ, lambda status, headers, _info=None: begun.extend((status, headers)))) as answer:
        try:
            first = next(answer, b"")
        except Exception as reason:  # nothing was sent yet, so whatever it is can still be told
            yield from _told(reason, environ, start)
            return
        start(*begun[:2])
        yield first
        yield from answer


def _told(reason: Exception, environ: Environ, start: Start) -> Iterable[bytes]:
    error = _as_error(reason)
    if error.value >= 500 and error.value != 507:
        _log.error("%s failed", environ["REQUEST_METHOD"], exc_info=reason)
    kind, body = error.get_response_page() if error.value != 304 else ("", b"")
    headers = [("Content-Type", kind), ("Content-Length", str(len(body)))] if body else []
    # A body that was not read to its end must not be taken for the next request.
    start(get_http_status_string(error), [*headers, ("Connection", "close"), *(error.add_headers or [])])
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]


def _as_error(reason: Exception) -> DAVError:
    if isinstance(reason, DAVError):
        inner = reason.src_exception
        return _as_error(inner) if reason.value == 500 and isinstance(inner, OSError) else reason
    if isinstance(reason, CutShort):
        return DAVError(400, str(reason))
    if isinstance(reason, sqlite3.OperationalError) and "full" in str(reason):
        return DAVError(507)
    if isinstance(reason, OSError) and reason.errno in _STATUS:
        return DAVError(_STATUS[reason.errno], os.strerror(reason.errno))
    return DAVError(500)


def _bounded(environ: Environ) -> bool:
    """Read a request's small body whole, so that a chunked one has a length, too; False when it is too long."""
    announced = environ.get("CONTENT_LENGTH") or "0"
    if not announced.isdigit() or int(announced) > _XML_LIMIT:
        return False
    if announced == "0" and "HTTP_TRANSFER_ENCODING" not in environ:
        return True
    body = environ["wsgi.input"].read(_XML_LIMIT + 1)
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
    return len(body) <= _XML_LIMIT


def make() -> Gate:
    """The program as configured by its environment; the defaults are the machine's own places."""
    data = os.environ.get("STEAD_DATA", "/data")
    roots = Roots(f"{data}/files/home", f"{data}/files/shared", f"{data}/web/site", f"{data}/identity/owners")
    return Gate(Files(roots, f"{data}/files/properties/properties.db"), standard_login("dav"), mount=MOUNT)


application = make()
