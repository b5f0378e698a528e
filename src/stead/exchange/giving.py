"""The giver: a process with one service's user, locked into one account's folder of a picture, that tells everything in
it in open formats. Started as ``python -m stead.exchange.giving SERVICE UID FORMAT`` with the folder as its working
directory; frames on standard output name a path below the export's folder.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from time import gmtime, strftime

from stead.exchange import entries
from stead.exchange.calendar_writing import read_props
from stead.exchange.folders import read_back
from stead.exchange.items import LONGEST, send, write_all
from stead.exchange.sending import OUR_LINE
from stead.exchange.writing import lock_in
from stead.words import keywords

_BOX = "/Maildir"
_NAME = re.compile(r"([^:]+)(?::2,([A-Za-z]*))?")
_QUOTE = re.compile(rb"^(>*From )", re.MULTILINE)
_STATUS = re.compile(rb"^(?:X-)?Status:", re.IGNORECASE | re.MULTILINE)
_KEYWORDS = re.compile(rb"^X-Keywords:", re.IGNORECASE | re.MULTILINE)
_X_STATUS = (("R", "A"), ("F", "F"), ("D", "T"), ("T", "D"))
#: Names of a Maildir's own folders and of this export's cannot be a mail folder's.
_TAKEN = {"cur", "new", "tmp"}
_PIECE = 1 << 20


def main() -> None:
    """Tell everything; exit 0 when all of it was told."""
    service, uid, form = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    formatdate(0)
    list(entries.entries("BEGIN:VCALENDAR\nEND:VCALENDAR\n"))
    lock_in(uid)
    {"mail": give_mail, "calendar": give_collections, "files": give_files}[service](form)
    send(1, {"what": "end"})


def give_mail(form: str) -> None:
    """Every folder as a Maildir, or as one mbox."""
    if not os.path.isdir(_BOX):
        return
    names = sorted(e.name for e in os.scandir(_BOX) if e.name.startswith(".") and e.is_dir(follow_symlinks=False))
    for disk in ["", *names]:
        parts = [_plain(part) for part in (read_back(disk[1:]).split("/") if disk else ["INBOX"])]
        parts = [f"_{part}" if part in _TAKEN else part for part in parts]
        folder = f"{_BOX}/{disk}" if disk else _BOX
        if form == "maildir":
            for part in ("cur", "new", "tmp"):
                send(1, {"what": "folder", "path": "/".join(("mail", *parts, part))})
        known = keywords.read_file(folder)
        if form == "maildir" and known:
            content = keywords.write(known)
            head = {"path": "/".join(("mail", *parts, keywords.FILE)), "size": len(content), "date": 0, "append": False}
            send(1, head, content)
        for place, flags, letters, name in _messages(folder):
            if form == "maildir":
                base = f"{name}:2,{flags}{''.join(letter for letter in letters if letter in known)}"
                _file(place, "/".join(("mail", *parts, "cur", base)), "messages")
            else:
                _into_mbox(place, "/".join(("mail", *parts)) + ".mbox", flags, keywords.named(letters, known))


def _messages(folder: str) -> Iterator[tuple[str, str, str, str]]:
    """Of each message: where it lies, its flags, the letters of its keywords, its name without them."""
    for part in ("cur", "new"):
        if not os.path.isdir(f"{folder}/{part}"):
            continue
        for name in sorted(os.listdir(f"{folder}/{part}")):
            match = _NAME.fullmatch(name)
            place = f"{folder}/{part}/{name}"
            if match is None or name.startswith(".") or os.path.islink(place):
                continue
            letters = match[2] or ""
            yield place, "".join(c for c in letters if c in "DFRST"), "".join(filter(str.islower, letters)), match[1]


def _into_mbox(place: str, path: str, flags: str, names: tuple[str, ...]) -> None:
    """One message at the end of an mbox (mboxrd), its flags as mutt and Dovecot write them."""
    with open(place, "rb") as file:
        when = os.fstat(file.fileno()).st_mtime
        content = file.read(LONGEST * 2)
    status = b"Status: RO\n" if "S" in flags else b"Status: O\n"
    others = "".join(theirs for ours, theirs in _X_STATUS if ours in flags)
    if others:
        status += f"X-Status: {others}\n".encode()
    header = content[: content.find(b"\n\n") + 1 or len(content)]
    if _STATUS.search(header):
        status = b""
    if names and not _KEYWORDS.search(header):
        status += f"X-Keywords: {' '.join(names)}\n".encode()
    line = OUR_LINE + strftime("%a %b %d %H:%M:%S %Y", gmtime(when)).encode() + b"\n"
    end = b"\n" if content.endswith(b"\n") else b"\n\n"
    whole = line + status + _QUOTE.sub(rb">\1", content) + end
    send(1, {"path": path, "size": len(whole), "date": 0, "append": True, "of": "messages"}, whole)


def give_collections(_form: str) -> None:
    """Every calendar as one ics file, every address book as one vcf file."""
    taken: set[str] = set()
    for name in sorted(e.name for e in os.scandir("/") if e.is_dir(follow_symlinks=False) and e.name[0] != "."):
        props = read_props(name)
        called = _plain(str(props.get("D:displayname") or name))
        if props.get("tag") == "VADDRESSBOOK":
            path, ends = f"contacts/{called}", "vcf"
        else:
            path, ends = f"calendars/{called}", "ics"
        number = 2
        while f"{path}.{ends}" in taken:
            path, number = f"{path.removesuffix(f' ({number - 1})')} ({number})", number + 1
        taken.add(f"{path}.{ends}")
        items = sorted(e.path for e in os.scandir(f"/{name}") if e.name.endswith((".ics", ".vcf")) and e.name[0] != ".")
        if ends == "vcf":
            _address_book(items, f"{path}.vcf")
        else:
            _calendar(items, f"{path}.ics", str(props.get("D:displayname") or name))


def _address_book(items: list[str], path: str) -> None:
    send(1, {"what": "file", "path": path})
    for place in items:
        content = Path(place).read_bytes().strip() + b"\r\n"
        send(1, {"path": path, "size": len(content), "date": 0, "append": True, "of": "contacts"}, content)


def _calendar(items: list[str], path: str, called: str) -> None:
    """One VCALENDAR of all entries; a time zone that several of them bring is told once."""
    escaped = called.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    head = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Stead//export//EN\r\nX-WR-CALNAME:{escaped}\r\n".encode()
    send(1, {"path": path, "size": len(head), "date": 0, "append": True}, head)
    zones: set[str] = set()
    for place in items:
        text = entries.text_of(Path(place).read_bytes())
        told = []
        for kind, block in entries.blocks(text):
            if kind != "VTIMEZONE" or block not in zones:
                told.append(block if block.endswith("\n") else block + "\n")
            if kind == "VTIMEZONE":
                zones.add(block)
        content = "".join(told).replace("\n", "\r\n").encode()
        send(1, {"path": path, "size": len(content), "date": 0, "append": True, "of": "entries"}, content)
    foot = b"END:VCALENDAR\r\n"
    send(1, {"path": path, "size": len(foot), "date": 0, "append": True}, foot)


def give_files(_form: str) -> None:
    """Every file as it is, with its date; empty folders, too."""
    for folder, folders, files in os.walk("/"):
        folders[:] = sorted(name for name in folders if not name.startswith(".stead-"))
        inside = "/".join(("files", *(part for part in folder.split("/") if part)))
        if not files:
            send(1, {"what": "folder", "path": inside})
        for name in sorted(files):
            place = os.path.join(folder, name)
            if not name.startswith(".stead-") and os.path.isfile(place) and not os.path.islink(place):
                _file(place, f"{inside}/{name}", "files")


def _file(place: str, path: str, of: str) -> None:
    with open(place, "rb") as file:
        there = os.fstat(file.fileno())
        send(1, {"path": path, "size": there.st_size, "date": there.st_mtime, "append": False, "of": of})
        while piece := file.read(_PIECE):
            write_all(1, piece)


def _plain(part: str) -> str:
    """A folder's name as a file's: no slash, not hidden, not too long for any file system."""
    name = re.sub(r"[/\x00-\x1f\x7f]", "_", part).strip() or "_"
    if name.startswith("."):
        name = "_" + name
    return name if len(name.encode()) <= 200 else name.encode()[:200].decode("utf-8", "ignore")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, json.JSONDecodeError) as problem:
        sys.stderr.write(f"{type(problem).__name__}: {problem}\n")
        sys.exit(1)
