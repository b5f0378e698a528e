"""Dead properties and locks in one SQLite file, through the interfaces WsgiDAV asks for.

Keys are WsgiDAV's quoted paths without a trailing slash. Losing this file loses no user's file, so a damaged one is put
aside and a new one begun.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from typing import Any

_log = logging.getLogger("stead.files")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS property (
    path TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (path, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lock (token TEXT PRIMARY KEY, root TEXT NOT NULL, expire REAL NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS lock_root ON lock (root);
"""
#: No lock outlives a day without being refreshed: a client that went away must not lock a file for ever.
_LONGEST_LOCK = 86400.0
# Everything below a folder: '0' is the character after '/'.
_BELOW = "path >= ? || '/' AND path < ? || '0'"


class Store:
    """The SQLite file, opened once and used by one thread at a time."""

    def __init__(self, path: str) -> None:
        self._lock = threading.RLock()
        try:
            self._base = _open(path)
        except sqlite3.DatabaseError as damaged:
            if isinstance(damaged, sqlite3.OperationalError):
                raise
            _log.error("%s is damaged and was put aside: %s", path, damaged)
            os.replace(path, f"{path}.damaged")
            for rest in ("-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path + rest)
            self._base = _open(path)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: kept whole or not at all."""
        with self._lock, self._base:
            yield self._base

    def rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of a question."""
        with self._lock:
            return self._base.execute(question, values).fetchall()


def _open(path: str) -> sqlite3.Connection:
    base = sqlite3.connect(path, check_same_thread=False, timeout=10)
    base.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-1024;" + _SCHEMA)
    return base


class Properties:
    """Dead properties: WsgiDAV's property manager."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get_properties(self, norm_url: str, environ: object = None) -> list[str]:
        """The names of a resource's properties."""
        return [name for (name,) in self._store.rows("SELECT name FROM property WHERE path = ?", _key(norm_url))]

    def get_property(self, norm_url: str, name: str, environ: object = None) -> str | None:
        """A property's XML."""
        rows = self._store.rows("SELECT value FROM property WHERE path = ? AND name = ?", _key(norm_url), name)
        return bytes(rows[0][0]).decode() if rows else None

    def write_property(
        self, norm_url: str, name: str, property_value: bytes | str, dry_run: bool = False, environ: object = None
    ) -> None:
        """Keep a property's XML."""
        if dry_run:
            return
        value = property_value.encode() if isinstance(property_value, str) else property_value
        with self._store.writing() as base:
            base.execute("INSERT OR REPLACE INTO property VALUES (?, ?, ?)", (_key(norm_url), name, value))

    def remove_property(self, norm_url: str, name: str, dry_run: bool = False, environ: object = None) -> None:
        """Forget one property; one that does not exist is no error."""
        if not dry_run:
            with self._store.writing() as base:
                base.execute("DELETE FROM property WHERE path = ? AND name = ?", (_key(norm_url), name))

    def remove_properties(self, norm_url: str, environ: object = None) -> None:
        """Forget all properties of a resource and of everything below it."""
        key = _key(norm_url)
        with self._store.writing() as base:
            base.execute(f"DELETE FROM property WHERE path = ? OR {_BELOW}", (key, key, key))

    def copy_properties(self, src_url: str, dest_url: str, environ: object = None, *, deep: bool = False) -> None:
        """Give a copy the properties of its source; ``deep``: also all below it."""
        source, target = _key(src_url), _key(dest_url)
        self.remove_properties(target)
        where, values = ("path = ?", (source,))
        if deep:
            where, values = f"path = ? OR {_BELOW}", (source, source, source)  # type: ignore[assignment]
        with self._store.writing() as base:
            base.execute(
                f"INSERT INTO property SELECT ? || substr(path, ?), name, value FROM property WHERE {where}",
                (target, len(source) + 1, *values),
            )

    def move_properties(self, src_url: str, dest_url: str, with_children: bool, environ: object = None) -> None:
        """Let properties follow what was moved."""
        with self._store.writing():
            self.copy_properties(src_url, dest_url, deep=with_children)
            self.remove_properties(src_url)


class Locks:
    """Locks: WsgiDAV's lock storage. They survive a restart of the program."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self) -> None:
        """Nothing to do: the store is open."""

    def close(self) -> None:
        """Nothing to do: the store stays open."""

    def create(self, path: str, lock: dict[str, Any]) -> dict[str, Any]:
        """Keep a new lock on ``path``; its token, root and time of expiry are filled in."""
        timeout = float(lock.get("timeout") or _LONGEST_LOCK)
        lock["timeout"] = timeout if 0 < timeout < _LONGEST_LOCK else _LONGEST_LOCK
        lock |= {"root": _key(path), "expire": time.time() + lock["timeout"]}
        lock["token"] = f"opaquelocktoken:{secrets.token_hex(16)}"
        with self._store.writing() as base:
            base.execute("DELETE FROM lock WHERE expire < ?", (time.time(),))
            base.execute("INSERT INTO lock VALUES (?, ?, ?, ?)", _row(lock))
        return lock

    def get(self, token: str) -> dict[str, Any] | None:
        """The lock of a token, unless it has expired."""
        rows = self._store.rows("SELECT body FROM lock WHERE token = ? AND expire >= ?", token, time.time())
        return _lock(rows[0][0]) if rows else None

    def refresh(self, token: str, *, timeout: float) -> dict[str, Any]:
        """Let a lock live longer."""
        lock = self.get(token)
        if lock is None:
            raise ValueError("there is no such lock")
        lock["timeout"] = timeout if 0 < timeout < _LONGEST_LOCK else _LONGEST_LOCK
        lock["expire"] = time.time() + lock["timeout"]
        with self._store.writing() as base:
            base.execute("INSERT OR REPLACE INTO lock VALUES (?, ?, ?, ?)", _row(lock))
        return lock

    def delete(self, token: str) -> bool:
        """Forget a lock; whether there was one."""
        with self._store.writing() as base:
            return base.execute("DELETE FROM lock WHERE token = ?", (token,)).rowcount > 0

    def get_lock_list(
        self, path: str, *, include_root: bool, include_children: bool, token_only: bool
    ) -> list[dict[str, Any]] | list[str]:
        """The locks whose root is ``path``, or lies below it."""
        key, now = _key(path), time.time()
        found: list[tuple[Any, ...]] = []
        if include_root:
            found += self._store.rows("SELECT token, body FROM lock WHERE root = ? AND expire >= ?", key, now)
        if include_children:
            below = _BELOW.replace("path", "root")
            question = f"SELECT token, body FROM lock WHERE {below} AND expire >= ?"
            found += self._store.rows(question, key.rstrip("/"), key.rstrip("/"), now)
        return [token for token, _ in found] if token_only else [_lock(body) for _, body in found]


def _key(url: str) -> str:
    return url.rstrip("/") or "/"


def _row(lock: dict[str, Any]) -> tuple[str, str, float, str]:
    owner = lock.get("owner") or ""
    body = lock | {"owner": owner.decode() if isinstance(owner, bytes) else owner}
    return lock["token"], lock["root"], lock["expire"], json.dumps(body)


def _lock(body: str) -> dict[str, Any]:
    lock: dict[str, Any] = json.loads(body)
    return lock | {"owner": lock["owner"].encode()}
