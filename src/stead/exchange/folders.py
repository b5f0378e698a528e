"""How Dovecot writes a folder's name on disk with our configuration, and which folders an account is subscribed to.

``A.B/Größe`` lies in ``.A^2eB.Gr&APYA3w-e``: parts between dots, each escaped and in IMAP's UTF-7 (dovecot.conf:
``mailbox_list_storage_escape_char = "^"``). Tests compare this with what Dovecot itself makes.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
import unicodedata

from imapclient import imap_utf7

_LONGEST = 200
_CONTROL = re.compile("[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")
_LOCK_PATIENCE = 10.0
_LOCK_STALE = 120.0


def cleaned(name: str) -> tuple[str, ...]:
    """The parts of a folder name that Dovecot takes: no control characters, no empty parts."""
    flat = _CONTROL.sub("", unicodedata.normalize("NFC", name))
    parts = tuple(part.strip() for part in flat.split("/") if part.strip())
    if parts and parts[0].upper() == "INBOX":
        parts = ("INBOX", *parts[1:])
    return parts or ("Imported",)


def written(name: str) -> str:
    """The name of a folder on disk, without the dot before it; one that is too long is cut and made unique again."""
    text = ".".join(_escaped(part) for part in cleaned(name))
    if len(text) > _LONGEST:
        mark = hashlib.blake2b(text.encode(), digest_size=5).hexdigest()
        parts, short = cleaned(name), ""
        for character in " - ".join(parts):
            if len(_escaped(short + character)) > _LONGEST - 12:
                break
            short += character
        text = _escaped(f"{short.strip()} {mark}")
    return text


def read_back(text: str) -> str:
    """The folder's name from its name on disk (without the first dot)."""
    return "/".join(_plain(part) for part in text.split("."))


def make(box: str, folder: str) -> None:
    """Make a folder of a Maildir, or the Maildir itself, if it is not there."""
    if is_there(folder):
        return
    os.makedirs(folder, 0o700, exist_ok=True)
    if folder != box:
        os.close(os.open(f"{folder}/maildirfolder", os.O_WRONLY | os.O_CREAT, 0o600))
    for part in ("tmp", "new", "cur"):
        os.makedirs(f"{folder}/{part}", 0o700, exist_ok=True)


def is_there(folder: str) -> bool:
    """Whether a folder of a Maildir was made, to its end."""
    return os.path.isdir(f"{folder}/cur")


def subscribe(box: str, name: str) -> None:
    """Add a folder to the account's subscriptions as Dovecot does it: a lock file becomes the new list."""
    lock, path = f"{box}/subscriptions.lock", f"{box}/subscriptions"
    handle = locked(lock)
    with os.fdopen(handle, "wb") as file:
        try:
            with open(path, "rb") as old:
                known = old.read()
        except FileNotFoundError:
            known = b""
        if not known.startswith(b"V\t2\n\n"):
            known = b"V\t2\n\n" + b"".join(line.replace(b".", b"\t") + b"\n" for line in known.splitlines())
        lines = set(known.splitlines())
        wanted = "\t".join(written(name).split(".")).encode()
        file.write(known if wanted in lines else known + wanted + b"\n")
        file.flush()
        os.fsync(file.fileno())
    os.rename(lock, path)


def locked(lock: str) -> int:
    """Make a lock file as Dovecot does; the descriptor it can be written with. Who made it removes or renames it."""
    until = time.monotonic() + _LOCK_PATIENCE
    while True:
        try:
            return os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            try:
                if time.time() - os.stat(lock).st_mtime > _LOCK_STALE or time.monotonic() > until:
                    os.unlink(lock)
            except FileNotFoundError:
                pass
            time.sleep(0.05)


def _escaped(part: str) -> str:
    safe = part.replace("^", "^5e").replace(".", "^2e")
    if safe.startswith("~"):
        safe = "^7e" + safe[1:]
    return str(imap_utf7.encode(safe).decode("ascii"))


def _plain(part: str) -> str:
    try:
        text = imap_utf7.decode(part.encode("ascii", "replace"))
    except (UnicodeError, ValueError):
        text = part
    return re.sub(r"\^([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), text)
