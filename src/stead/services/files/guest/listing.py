"""A folder as a plain web page, for a look from a browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import quote

_STYLE = (
    "body{font:16px/1.5 sans-serif;margin:2rem auto;max-width:50rem;padding:0 1rem;color:#222;background:#fff}"
    "table{width:100%;border-collapse:collapse}td{padding:.25rem .5rem;border-top:1px solid #ddd;word-break:break-word}"
    "td+td{text-align:right;white-space:nowrap;color:#666}a{color:#0645ad;text-decoration:none}a:hover{text-decoration:"
    "underline}@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}a{color:#8ab4f8}td{border-color:#444}}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-downloads allow-top-navigation"


def page(folder: Any, environ: dict[str, Any], start: Any) -> Iterator[bytes]:
    """The answer to GET or HEAD of a folder."""
    if not environ.get("stead.slash"):
        start("301 Moved Permanently", [("Location", folder.get_href()), ("Content-Length", "0")])
        yield b""
        return
    body = "".join(_lines(folder)).encode("utf-8", "replace")
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))]
    start("200 OK", [*headers, ("Content-Security-Policy", _POLICY), ("Cache-Control", "private, no-cache")])
    yield b"" if environ["REQUEST_METHOD"] == "HEAD" else body


def _lines(folder: Any) -> Iterator[str]:
    title = escape(folder.path.strip("/") or "Files")
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    yield f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style><h1>{title}</h1><table>'
    if folder.path.strip("/"):
        yield '<tr><td><a href="../">..</a></td><td></td><td></td></tr>'
    for member in folder.get_member_list():
        yield _row(member)
    yield "</table></html>\n"


def _row(member: Any) -> str:
    name = member.path.strip("/").rpartition("/")[2]
    slash = "/" if member.is_collection else ""
    size = "" if member.is_collection else f"{member.get_content_length():,}"
    when = member.get_last_modified()
    day = f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M}" if when else ""
    return f'<tr><td><a href="./{quote(name)}{slash}">{escape(name)}{slash}</a></td><td>{size}</td><td>{day}</td></tr>'
