"""Runs inside the machine as the mail user: puts mails back through Dovecot's own IMAP program, already logged in.

Standard library only. Reads a job and then frames on standard input; prints one line of JSON for each.
"""

from __future__ import annotations

import imaplib
import json
import re
import sys
import time
from typing import Any

_IMAP = "exec /usr/lib/dovecot/imap -u {user} 2>/dev/null"
_USER = re.compile(r"[a-z][a-z0-9._-]{0,31}")


def main() -> None:
    """Take every mail in turn."""
    source = sys.stdin.buffer
    job = json.loads(source.readline())
    try:
        if not _USER.fullmatch(job["user"]):
            raise ValueError("not a name of an account")
        box = Mailboxes(imaplib.IMAP4_stream(_IMAP.format(user=job["user"])))
        while line := source.readline():
            mail = json.loads(line)
            _say(box.take(mail, source.read(mail["size"])))
        box.close()
    except (imaplib.IMAP4.error, OSError, ValueError, KeyError) as refused:
        _say({"error": str(refused)[:300]})


class Mailboxes:
    """One account's mailboxes, over one connection."""

    def __init__(self, link: imaplib.IMAP4) -> None:
        self._link = link
        self._selected = ""
        # Most mail lies there, and opening a big mailbox takes a moment: it is done before anything is asked.
        self._select("INBOX")

    def take(self, mail: dict[str, Any], content: bytes) -> dict[str, object]:
        """Put one mail into its mailbox; where it is there already: into ``spare``, or (none is given) nowhere."""
        folder = mail["folder"]
        self._select(folder)
        if self._holds(mail["ident"], content):
            folder = mail.get("spare")
            if not folder:
                return {"folder": mail["folder"], "there": True}
            self._select(folder)
            if self._holds(mail["ident"], content):
                return {"folder": folder, "there": True}
        when = imaplib.Time2Internaldate(mail["date"])
        answer, words = self._link.append(quoted(folder), f"({mail['flags']})", when, content)
        if answer != "OK":
            raise ValueError(f"{folder}: {words!r}")
        return {"folder": folder, "there": False}

    def close(self) -> None:
        """Say goodbye."""
        self._link.logout()

    def _select(self, folder: str) -> None:
        if folder == self._selected:
            return
        if self._link.select(quoted(folder))[0] != "OK":
            self._link.create(quoted(folder))
            self._link.subscribe(quoted(folder))
            answer, words = self._link.select(quoted(folder))
            if answer != "OK":
                raise ValueError(f"{folder}: {words!r}")
        self._selected = folder

    def _holds(self, ident: str, content: bytes) -> bool:
        """Whether the open mailbox has a mail of this id and this size: one that came back before."""
        # IMAP counts each line's end as two bytes, however it is stored.
        size = len(content) + content.count(b"\n") - content.count(b"\r\n")
        criteria = ["LARGER", str(size - 1), "SMALLER", str(size + 1), "UNDELETED"]
        if ident and ident.isascii() and ident.isprintable():
            criteria += ["HEADER", "Message-ID", quoted(ident)]
        answer, data = self._link.uid("SEARCH", *criteria)
        if answer != "OK" or not data or not data[0]:
            return False
        return bool(ident) or any(self._same(uid, content) for uid in data[0].split()[:20])

    def _same(self, uid: bytes, content: bytes) -> bool:
        _answer, data = self._link.uid("FETCH", uid.decode(), "(BODY.PEEK[])")
        there = next((part[1] for part in data if isinstance(part, tuple)), b"")
        return bool(there.replace(b"\r\n", b"\n") == content.replace(b"\r\n", b"\n"))


def quoted(text: str) -> str:
    """An IMAP quoted string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _say(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    time.tzset()
    main()
