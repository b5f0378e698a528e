"""How an account elsewhere is named: a URL without a password."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from stead.words.errors import UsageError

_SECURE = {"imaps": "imap", "caldavs": "caldav", "carddavs": "carddav", "webdavs": "webdav"}
#: Without TLS only on this computer, or (IMAP) with STARTTLS.
_PLAIN = {"imap": "imap", "caldav": "caldav", "carddav": "carddav", "webdav": "webdav"}
_WEB = {"calendar": "caldav", "contacts": "carddav", "files": "webdav"}


def is_account(source: str) -> bool:
    """Whether a source is an account, not a path."""
    return "://" in source


def account(source: str, kind: str | None) -> dict[str, Any]:
    """The account behind a URL, as the reader's job carries it (without a password). UsageError says what is wrong."""
    url = urlsplit(source)
    try:
        port = url.port
    except ValueError:
        raise UsageError(f"{source.partition('://')[0]}://...: the port is no number") from None
    if url.password is not None:
        raise UsageError("a password does not belong on a command line", hint="leave it out: it is asked for")
    if not url.hostname or not url.username:
        raise UsageError(f"{source} does not name an account", hint="write it as imaps://NAME@HOST")
    scheme, secure = url.scheme.lower(), True
    if scheme in ("https", "http"):
        if kind not in _WEB:
            raise UsageError(f"what is at {source}?", hint="add --as calendar, --as contacts or --as files")
        found, secure = _WEB[kind], scheme == "https"
    elif scheme in _SECURE:
        found = _SECURE[scheme]
    elif scheme in _PLAIN:
        found, secure = _PLAIN[scheme], False
    else:
        raise UsageError(f"{scheme}:// is not known", hint="imaps://, caldavs://, carddavs:// or webdavs://")
    if not secure and found != "imap" and url.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise UsageError(f"{scheme}:// would send the password in the clear", hint=f"use {scheme}s://")
    return {
        "kind": found,
        "secure": secure,
        "host": url.hostname,
        "port": port,
        "path": url.path or "/",
        "user": unquote(url.username),
    }
