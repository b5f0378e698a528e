"""The accounts: one name and one password for mail, calendar, files and the rest.

``identity/accounts.json`` is the truth. All other files of the folder are made from it, so a crash between two writes
is mended by the next change, or by :meth:`Accounts.refresh`, which runs before every boot. Only the host writes here.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from stead.services.hostfiles import Owner, enter, give, open_folder, read_file, remove_leftovers, write_file
from stead.services.identity.names import ROLES, WATCH, check_name, check_password, hash_password, is_password
from stead.words.declaration import GUEST_UID_BASE
from stead.words.errors import SteadError, UsageError
from stead.words.quantities import say_time

_TRUTH = "accounts.json"
_GUEST_ROOT = Owner(GUEST_UID_BASE, GUEST_UID_BASE)
_DOVECOT = Owner(GUEST_UID_BASE, GUEST_UID_BASE + 612)


@dataclass(frozen=True)
class Account:
    """One account. ``created`` is RFC 3339 UTC, ``quota`` bytes (None: no limit), ``removed``: its data is kept."""

    name: str
    owner: bool
    created: str
    password: str = field(repr=False)
    quota: int | None = None
    removed: bool = False


Book = dict[str, Account]


class Accounts:
    """The accounts of one data tree. Every change takes a lock, so two writers cannot lose each other's."""

    def __init__(self, data_root: Path, domain: str) -> None:
        self._root = data_root
        self._domain = domain

    def list(self) -> tuple[Account, ...]:
        """The accounts in use, oldest first; neither the watch account nor removed ones."""
        try:
            with open_folder(self._root / "identity") as folder:
                return _people(_read(folder))
        except FileNotFoundError:
            return ()

    def owner(self) -> str | None:
        """The name of the server's (first) owner, who gets the mail of postmaster and the like."""
        return next((a.name for a in self.list() if a.owner), None)

    def add(self, name: str, password: str, owner: bool = False) -> Account:
        """Add an account; the first one is the owner. A removed one comes back with its data and a new password."""
        check_name(name)
        check_password(name, password)
        hashed = hash_password(password)

        def change(book: Book) -> Book:
            known = book.get(name)
            if known and not known.removed:
                raise UsageError(f"the account {name} exists", hint=f"stead user password {name} sets its password")
            rules = owner or not _people(book)
            if known:
                return book | {name: replace(known, password=hashed, removed=False, owner=rules)}
            return book | {name: Account(name, rules, say_time(datetime.now(UTC)), hashed)}

        return self._change(change)[name]

    def remove(self, name: str) -> None:
        """Close an account: nobody can log in, mail for it is refused. Its mails, entries and files stay in data."""

        def change(book: Book) -> Book:
            account = _known(book, name)
            others = [a for a in _people(book) if a.name != name]
            if account.owner and others and not any(a.owner for a in others):
                raise UsageError(
                    f"{name} is the only owner", hint=f"make another account owner first, for example {others[0].name}"
                )
            return book | {name: replace(account, removed=True, owner=False)}

        self._change(change)

    def reopen(self, account: Account) -> None:
        """Open a closed or lost account again as an older copy has it, with the password it had then."""
        check_name(account.name)

        def change(book: Book) -> Book:
            known = book.get(account.name)
            if known and not known.removed:
                raise UsageError(f"the account {account.name} exists", hint="nothing was changed")
            return book | {account.name: replace(account, removed=False)}

        self._change(change)

    def set_password(self, name: str, password: str) -> None:
        """Give an account a new password."""
        check_password(name, password)
        hashed = hash_password(password)
        self._change(lambda book: book | {name: replace(_known(book, name), password=hashed)})

    def set_owner(self, name: str) -> None:
        """Make an account an owner, too: it may change the web page and gets the mail of postmaster if it is oldest."""
        self._change(lambda book: book | {name: replace(_known(book, name), owner=True)})

    def ensure_watch(self, password: str) -> None:
        """Make sure that the watch account exists and has this password."""

        def change(book: Book) -> Book:
            known = book.get(WATCH)
            if known and is_password(known.password, password):
                return book
            created = known.created if known else say_time(datetime.now(UTC))
            return book | {WATCH: Account(WATCH, False, created, hash_password(password))}

        self._change(change)

    def refresh(self) -> None:
        """Make every derived file from the truth again: after a crash, a recovery, or a change of the domain."""
        self._change(lambda book: book)

    def _change(self, change: Callable[[Book], Book]) -> Book:
        with open_folder(self._root) as root, enter(root, "identity") as folder, _lock(folder):
            remove_leftovers(folder)
            before = _read(folder)
            after = change(before)
            if after != before:
                write_file(folder, _TRUTH, _written(after), mode=0o600)
            for name, content, owner, mode in _derived(after, self._domain):
                _write_changed(folder, name, content, owner, mode)
            return after


def _derived(book: Book, domain: str) -> tuple[tuple[str, str, Owner, int], ...]:
    """The files the daemons read: name, content, owner, mode. The same book gives the same bytes."""
    people = _people(book)
    everyone = sorted([*people, *([book[WATCH]] if WATCH in book else [])], key=lambda a: a.name)
    first_owner = next((a.name for a in people if a.owner), WATCH)
    users = "".join(f"{a.name}:{a.password}::::::\n" for a in everyone)
    addresses = "".join(f"{a.name}@{domain} {a.name}\n" for a in everyone)
    aliases = "".join(f"{role}@{domain} {first_owner}@{domain}\n" for role in ROLES)
    # The watch account may write the web page's folder: that is how its markers get there.
    owners = "".join(f"{name}\n" for name in sorted({a.name for a in people if a.owner} | {WATCH}))
    return (
        ("users", users, _DOVECOT, 0o640),
        ("addresses", addresses, _GUEST_ROOT, 0o644),
        ("aliases", aliases, _GUEST_ROOT, 0o644),
        ("owners", owners, _GUEST_ROOT, 0o644),
    )


def _people(book: Book) -> tuple[Account, ...]:
    present = (a for a in book.values() if a.name != WATCH and not a.removed)
    return tuple(sorted(present, key=lambda a: (a.created, a.name)))


def _known(book: Book, name: str) -> Account:
    account = book.get(name)
    if account is None or account.removed or name == WATCH:
        raise UsageError(f"there is no account {name}", hint="stead user list shows the accounts")
    return account


def _read(folder: int) -> Book:
    content = read_file(folder, _TRUTH)
    if content is None:
        return {}
    try:
        return {entry["name"]: Account(**entry) for entry in json.loads(content)["accounts"]}
    except (ValueError, KeyError, TypeError) as wrong:
        raise SteadError(
            f"identity/{_TRUTH} in data cannot be read: {wrong}",
            hint="take the file from an older picture or backup; nothing was changed",
        ) from None


def _written(book: Book) -> bytes:
    entries = [asdict(book[name]) for name in sorted(book)]
    return (json.dumps({"schema": 1, "accounts": entries}, indent=1) + "\n").encode()


def _write_changed(folder: int, name: str, content: str, owner: Owner, mode: int) -> None:
    # An unchanged file is not written again, else the guest would reload its mail server at every look.
    if read_file(folder, name) != content.encode():
        write_file(folder, name, content.encode(), mode=mode, owner=owner)


@contextmanager
def _lock(folder: int) -> Iterator[None]:
    # A file that the guest cannot open, unlike the folder itself: so it cannot hold our lock.
    descriptor = os.open(".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
    try:
        give(descriptor, Owner(), 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
