"""How much mail there is: messages and bytes of every mailbox, read off a data tree without opening a message."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from stead.words.declaration import Inventory

#: Dovecot writes a message's size into its file name, so that nobody has to ask the disk for it.
_SIZE = re.compile(r",S=(\d+)")


def inventory(root: Path, users: tuple[str, ...]) -> Inventory:
    """Count mail below the data folder ``root``; every user is listed, also one without any mail.

    Parts: ``USER/MAILBOX`` messages and ``USER/MAILBOX bytes``. The tree may be hostile: no link is followed.
    """
    parts: dict[str, int] = {}
    messages = size = 0
    for user in users:
        parts[f"{user}/INBOX"] = 0
        for mailbox, folder in _mailboxes(root / "mail" / "home" / user):
            count, total = _measure(folder)
            parts[f"{user}/{mailbox}"] = count
            parts[f"{user}/{mailbox} bytes"] = total
            messages += count
            size += total
    return Inventory(totals={"messages": messages, "bytes": size}, parts=parts)


def _mailboxes(home: Path) -> Iterator[tuple[str, Path]]:
    if home.is_symlink() or not _is_folder(home / "Maildir"):
        return
    maildir = home / "Maildir"
    yield "INBOX", maildir
    with os.scandir(maildir) as entries:
        names = sorted(e.name for e in entries if e.name.startswith(".") and e.is_dir(follow_symlinks=False))
    for name in names:
        if _is_folder(maildir / name / "cur"):
            yield name[1:].replace(".", "/"), maildir / name


def _measure(folder: Path) -> tuple[int, int]:
    count = total = 0
    for part in ("cur", "new"):
        if not _is_folder(folder / part):
            continue
        with os.scandir(folder / part) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.is_symlink():
                    continue
                known = _SIZE.search(entry.name)
                if known is None and not entry.is_file(follow_symlinks=False):
                    continue
                count += 1
                total += int(known[1]) if known else entry.stat(follow_symlinks=False).st_size
    return count, total


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
