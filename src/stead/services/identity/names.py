"""Which account names and passwords are accepted, and how a password is kept."""

from __future__ import annotations

import re

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from stead.words.errors import UsageError

#: The account of Stead's own probes and markers. Its password is known to the host only.
WATCH = "stead-watch"

#: Addresses every mail domain must or should answer (RFC 2142, and where our DNS records send reports): the owner's.
ROLES = ("abuse", "dmarc", "hostmaster", "postmaster", "security", "tls-reports", "webmaster")

#: Folder names beside the users' own, system accounts, and names that strangers would trust.
_RESERVED = frozenset(ROLES) | {
    *("admin", "administrator", "root", "nobody", "mailer-daemon", "noreply", "no-reply", "stead", WATCH),
    *("shared", "site", "home", "calendar", "files", "mail", "web", "www", "www-data"),
    *("acme", "dovecot", "dovenull", "messagebus", "postdrop", "postfix", "radicale", "redis", "unbound"),
    *("vmail", "webdav", "daemon", "bin", "sys", "sync"),
}

_NAME = re.compile(r"[a-z][a-z0-9._-]{0,31}")
_SHORTEST = 8
_LONGEST = 512

# OWASP's second choice for Argon2id: 19 MiB and two passes, about 20 ms; Dovecot's cache spares most logins even that.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_SCHEME = "{ARGON2ID}"


def check_name(name: str) -> None:
    """Refuse a name that is not one of ours to give: UsageError says what is allowed."""
    if not _NAME.fullmatch(name) or name.endswith(".") or ".." in name:
        raise UsageError(
            f"{name!r} cannot be an account name",
            hint="1 to 32 of a-z, 0-9, dot, dash, underscore; first a letter; no two dots together, none at the end",
        )
    if name in _RESERVED or name.startswith(("stead-", "systemd-")):
        raise UsageError(f"the name {name} is kept for the server itself", hint="choose another name")


def check_password(name: str, password: str) -> None:
    """Refuse a password that is too weak or that clients cannot send; the message never shows it."""
    if len(password) < _SHORTEST:
        raise UsageError(
            f"the password has {len(password)} characters; it needs at least {_SHORTEST}",
            hint="four random words make a good password",
        )
    if len(password.encode()) > _LONGEST:
        raise UsageError(f"the password is longer than {_LONGEST} bytes", hint="use a shorter one")
    if any(ord(c) < 32 or ord(c) == 127 for c in password):
        raise UsageError("the password holds a control character (a tab or line end?)", hint="use printable characters")
    if len(set(password)) < 4 or (name in password.lower() and len(password) < len(name) + 6):
        raise UsageError("the password is too easy to guess", hint="four random words make a good password")


def hash_password(password: str) -> str:
    """The password as Dovecot keeps it: its scheme and a salted Argon2id hash."""
    return _SCHEME + _HASHER.hash(password)


def is_password(hashed: str, password: str) -> bool:
    """Whether ``password`` is the one that was hashed."""
    try:
        return _HASHER.verify(hashed.removeprefix(_SCHEME), password)
    except (VerificationError, InvalidHashError):
        return False
