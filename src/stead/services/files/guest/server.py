"""WsgiDAV's request handling, with our own way of storing, copying and moving, and its bounds."""
# mypy: disable-error-code="import-not-found,import-untyped,misc,no-any-return"

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from wsgidav import util
from wsgidav.dav_error import (
    HTTP_BAD_GATEWAY,
    HTTP_BAD_REQUEST,
    HTTP_CONFLICT,
    HTTP_CREATED,
    HTTP_FORBIDDEN,
    HTTP_METHOD_NOT_ALLOWED,
    HTTP_NO_CONTENT,
    HTTP_NOT_FOUND,
    HTTP_NOT_IMPLEMENTED,
    HTTP_PRECONDITION_FAILED,
    DAVError,
)
from wsgidav.request_server import RequestServer

from stead.services.files.guest import listing, storing, tree
from stead.services.files.guest.paths import is_plain

Environ = dict[str, Any]


class Server(RequestServer):
    """Handles one request on the tree."""

    def __init__(self, provider: tree.Tree) -> None:
        super().__init__(provider)
        # One request must not walk through everything; clients that want all ask folder by folder.
        self.allow_propfind_infinite = False

    def do_GET(self, environ: Environ, start: Any) -> Iterable[bytes]:
        """A file's content, or a page that lists a folder."""
        if "," in environ.get("HTTP_RANGE", ""):
            del environ["HTTP_RANGE"]  # several ranges at once: all of it is a right answer, the first one is not
        return self._page(environ, start) or super().do_GET(environ, start)

    def do_HEAD(self, environ: Environ, start: Any) -> Iterable[bytes]:
        """As GET, without the body."""
        return self._page(environ, start) or super().do_HEAD(environ, start)

    def _page(self, environ: Environ, start: Any) -> Iterable[bytes] | None:
        resource = self._davProvider.get_resource_inst(environ["PATH_INFO"], environ)
        if resource is None or not resource.is_collection:
            return None
        return listing.page(resource, environ, start)

    def do_PUT(self, environ: Environ, start: Any) -> Iterable[bytes]:
        """Store a file: all of it takes the name in one step, or nothing changes."""
        provider, path = self._davProvider, environ["PATH_INFO"]
        resource = provider.get_resource_inst(path, environ)
        parent = provider.get_resource_inst(util.get_uri_parent(path.rstrip("/")), environ)
        self._check_put(environ, resource, parent)
        place = provider.file_path(path, environ)
        if place is None:
            self._fail(HTTP_FORBIDDEN)
        self._evaluate_if_headers(resource, environ)
        self._check_write_permission(resource or parent, "0", environ)
        when = environ.get("HTTP_X_OC_MTIME", "")
        read, length = _body(environ)
        with storing.replacing(place, provider.modes(path)[0], float(when) if when.isdigit() else None) as descriptor:
            storing.receive(read, descriptor, length)
            # Someone may have locked or replaced it while the body came.
            now = provider.get_resource_inst(path, environ)
            self._evaluate_if_headers(now, environ)
            self._check_write_permission(now or parent, "0", environ)
        stored = provider.get_resource_inst(path, environ)
        headers = [("ETag", f'"{stored.get_etag()}"')] if stored else []
        if when.isdigit():
            headers.append(("X-OC-MTime", "accepted"))
        status = HTTP_NO_CONTENT if resource else HTTP_CREATED
        return util.send_status_response(environ, start, status, add_headers=headers)

    def _check_put(self, environ: Environ, resource: Any, parent: Any) -> None:
        if "HTTP_CONTENT_ENCODING" in environ:
            self._fail(HTTP_NOT_IMPLEMENTED, context_info="Content-Encoding is not supported")
        if "HTTP_CONTENT_RANGE" in environ:
            self._fail(HTTP_BAD_REQUEST, context_info="Content-Range has no meaning here")
        if resource is not None and resource.is_collection:
            self._fail(HTTP_METHOD_NOT_ALLOWED, context_info="this is a folder")
        if parent is None or not parent.is_collection:
            self._fail(HTTP_CONFLICT, context_info="there is no such folder")
        if resource is None and "HTTP_IF_MATCH" in environ:
            self._fail(HTTP_PRECONDITION_FAILED)

    def do_DELETE(self, environ: Environ, start: Any) -> Iterable[bytes]:
        """Delete a file or a folder with all that is in it; the folders an account is given stay."""
        if tree.is_top(environ["PATH_INFO"]):
            self._fail(HTTP_FORBIDDEN, context_info="this folder is part of the account")
        return super().do_DELETE(environ, start)

    def _copy_or_move(self, environ: Environ, start: Any, is_move: bool) -> Iterable[bytes]:
        provider = self._davProvider
        source = provider.get_resource_inst(environ["PATH_INFO"], environ)
        if source is None:
            self._fail(HTTP_NOT_FOUND)
        self._check_copy_headers(environ, source, is_move)
        path = _destination(environ)
        parent = provider.get_resource_inst(util.get_uri_parent(path), environ)
        if parent is None or not parent.is_collection:
            self._fail(HTTP_CONFLICT, context_info="there is no such folder to put it in")
        place = provider.file_path(path, environ)
        top = tree.is_top(path) or (is_move and tree.is_top(source.path))
        if place is None or top or _nested(source.path, path):
            self._fail(HTTP_FORBIDDEN)
        target = provider.get_resource_inst(path, environ)
        self._check_both(environ, source, target, parent, is_move)
        if is_move:
            self._move(source, path, place, target)
        else:
            self._copy(source, path, place, target, deep=environ["HTTP_DEPTH"] == "infinity")
        return util.send_status_response(environ, start, HTTP_NO_CONTENT if target else HTTP_CREATED)

    def _check_copy_headers(self, environ: Environ, source: Any, is_move: bool) -> None:
        if environ.setdefault("HTTP_OVERWRITE", "T") not in ("T", "F"):
            self._fail(HTTP_BAD_REQUEST, context_info="Overwrite is T or F")
        depth = environ.setdefault("HTTP_DEPTH", "infinity")
        if depth != "infinity" and (depth != "0" or (is_move and source.is_collection)):
            self._fail(HTTP_BAD_REQUEST, context_info="this Depth has no meaning here")

    def _check_both(self, environ: Environ, source: Any, target: Any, parent: Any, is_move: bool) -> None:
        self._evaluate_if_headers(source, environ)
        self._evaluate_if_headers(target, environ)
        if is_move:
            self._check_write_permission(source, "infinity", environ)
            folder = self._davProvider.get_resource_inst(util.get_uri_parent(source.path.rstrip("/")), environ)
            self._check_write_permission(folder, "0", environ)
        self._check_write_permission(target if target else parent, "infinity" if target else "0", environ)
        if target and environ["HTTP_OVERWRITE"] == "F":
            self._fail(HTTP_PRECONDITION_FAILED, context_info="there is something of that name already")

    def _move(self, source: Any, path: str, place: str, target: Any) -> None:
        provider = self._davProvider
        try:
            storing.put(source._file_path, place)
            _set_modes(place, provider.modes(path))
        except OSError as other:
            if not storing.is_elsewhere(other):
                raise
            # The page's folder is another mount: what a rename cannot do is a copy and a removal.
            self._copy_content(source, path, place, deep=True)
            storing.remove(source._file_path)
        if target:
            tree.forget(target)
        moved = provider.get_resource_inst(path, source.environ)
        provider.prop_manager.move_properties(source.get_ref_url(), moved.get_ref_url(), with_children=True)
        provider.lock_manager.remove_all_locks_from_url(source.get_ref_url(), recursive=True)

    def _copy(self, source: Any, path: str, place: str, target: Any, *, deep: bool) -> None:
        self._copy_content(source, path, place, deep=deep)
        if target and (target.is_collection or source.is_collection):
            tree.forget(target)
        copied = self._davProvider.get_resource_inst(path, source.environ)
        self._davProvider.prop_manager.copy_properties(source.get_ref_url(), copied.get_ref_url(), deep=deep)

    def _copy_content(self, source: Any, path: str, place: str, *, deep: bool) -> None:
        modes = self._davProvider.modes(path)
        if source.is_collection:
            storing.copy_tree(source._file_path, place, modes, deep=deep)
            return
        if os.path.isdir(place):
            storing.remove(place)
        storing.copy_file(source._file_path, place, modes[0])


def _destination(environ: Environ) -> str:
    """Where the Destination header points, as a path in the tree; only this site's own files will do."""
    parts = urlsplit(environ.get("HTTP_DESTINATION", ""))
    if not parts.path:
        raise DAVError(HTTP_BAD_REQUEST, "a Destination is missing")
    if parts.netloc and parts.netloc.lower() != environ.get("HTTP_HOST", "").lower():
        raise DAVError(HTTP_BAD_GATEWAY, "the Destination is another server")
    try:
        path = unquote(parts.path, errors="strict")
    except UnicodeDecodeError:
        raise DAVError(HTTP_BAD_REQUEST, "the Destination is not UTF-8") from None
    if not is_plain(parts.path, path):
        raise DAVError(HTTP_BAD_REQUEST, "the Destination is not a plain path")
    mount = environ["SCRIPT_NAME"]
    if not path.startswith(mount + "/"):
        raise DAVError(HTTP_BAD_GATEWAY, "the Destination is not one of the files")
    return "/" + path[len(mount) :].strip("/")


def _nested(one: str, other: str) -> bool:
    one, other = f"{one.strip('/')}/", f"{other.strip('/')}/"
    return one.startswith(other) or other.startswith(one)


def _set_modes(place: str, modes: tuple[int, int]) -> None:
    """What is moved into the page's folder becomes readable to the web server, and private when moved back."""
    if os.path.isfile(place):
        os.chmod(place, modes[0])
        return
    for folder, _, files in os.walk(place):
        os.chmod(folder, modes[1])
        for name in files:
            if not os.path.islink(os.path.join(folder, name)):
                os.chmod(os.path.join(folder, name), modes[0])


def _body(environ: Environ) -> tuple[Any, int | None]:
    """How to read the body, and its length where it was announced (macOS announces that of a chunked body, too)."""
    announced = environ.get("CONTENT_LENGTH") or environ.get("HTTP_X_EXPECTED_ENTITY_LENGTH") or ""
    chunked = "HTTP_TRANSFER_ENCODING" in environ
    length = int(announced) if announced.isdigit() else (None if chunked else 0)
    environ["wsgidav.all_input_read"] = 1
    if not chunked:
        environ["wsgidav.some_input_read"] = 1
    return _reader(environ["wsgi.input"]), length


def _reader(stream: Any) -> Callable[[int], bytes]:
    """Gunicorn hands a body on in pieces of 1 kB; the reader below it takes larger ones, several times faster."""
    below = getattr(stream, "reader", None)
    source = getattr(below, "unreader", None)
    if below is None or source is None or not hasattr(source, "mxchunk"):
        return stream.read
    source.mxchunk = storing.PIECE
    return below.read
