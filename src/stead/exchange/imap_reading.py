"""Read an IMAP account: every folder, with flags and dates, in portions; resumable by UIDVALIDITY and UID (RFC 3501).

Folders are known by their special use (RFC 6154) where the server tells it. Views that hold nothing of their own
(Gmail's starred and important) are left out; "all mail" comes last, and only for what lies nowhere else.
"""

from __future__ import annotations

import imaplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from stead.exchange.items import LONGEST
from stead.exchange.labels import of_folder
from stead.exchange.letters import Broken
from stead.words.keywords import cleaned

if TYPE_CHECKING:
    from stead.exchange.taking import Taker

_TIMEOUT = 120.0
_PORTION, _PORTION_BYTES = 300, 24 << 20
_USES = {b"\\sent": "Sent", b"\\drafts": "Drafts", b"\\junk": "Junk", b"\\trash": "Trash", b"\\archive": "Archive"}
_VIEWS = {b"\\flagged", b"\\important"}
_FLAGS = {b"\\seen": "S", b"\\answered": "R", b"\\flagged": "F", b"\\draft": "D", b"\\deleted": "T"}
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class _Folder:
    there: str
    here: str
    all_mail: bool


def read(account: dict[str, Any], trust: ssl.SSLContext, taker: Taker) -> None:
    """Send every message that was not sent by an earlier run."""
    try:
        client = _connected(account, trust)
        folders = sorted(_folders(client), key=lambda folder: folder.all_mail)
        taker.total(sum(_count(client, folder.there) for folder in folders))
        for folder in folders:
            _FolderReading(client, account, folder, taker).read()
        client.logout()
    except LoginError as refused:
        raise Broken(f"{account['host']} does not let {account['user']} in: {refused}") from None
    except (IMAPClientError, imaplib.IMAP4.error) as wrong:
        raise Broken(f"{account['host']}: {wrong}") from None


def _connected(account: dict[str, Any], trust: ssl.SSLContext) -> IMAPClient:
    host, secure = account["host"], account["secure"]
    client = IMAPClient(host, port=account["port"], ssl=secure, ssl_context=trust if secure else None, timeout=_TIMEOUT)
    client.normalise_times = False
    if not secure and (client.has_capability("STARTTLS") or host not in _LOCAL):
        client.starttls(trust)
    client.login(account["user"], account["password"])
    return client


def _folders(client: IMAPClient) -> list[_Folder]:
    found = []
    for flags, delimiter, name in client.list_folders():
        said = {flag.lower() for flag in flags}
        if {b"\\noselect", b"\\nonexistent"} & said or _VIEWS & said:
            continue
        parts = name.split(delimiter.decode("ascii", "replace")) if delimiter else [name]
        if len(parts) > 1 and parts[0].upper() == "INBOX":
            parts = parts[1:]
        use = next((_USES[flag] for flag in said if flag in _USES), None)
        all_mail = b"\\all" in said
        here = "Archive" if all_mail else use or (of_folder(parts[0]) if len(parts) == 1 else "/".join(parts))
        found.append(_Folder(name, here, all_mail))
    return found


def _count(client: IMAPClient, name: str) -> int:
    try:
        return int(client.folder_status(name, ["MESSAGES"])[b"MESSAGES"])
    except (IMAPClientError, KeyError):
        return 0


class _FolderReading:
    """One folder of the account."""

    def __init__(self, client: IMAPClient, account: dict[str, Any], folder: _Folder, taker: Taker) -> None:
        self._client = client
        self._folder = folder
        self._taker = taker
        self._mark = f"imap {account['user']}@{account['host']} {taker.into} {folder.there}"
        self._known = str(account["marks"].get(self._mark, ""))

    def read(self) -> None:
        """Everything newer than the mark, oldest first; the mark follows each portion."""
        try:
            chosen = self._client.select_folder(self._folder.there, readonly=True)
        except (IMAPClientError, imaplib.IMAP4.readonly) as refused:
            self._taker.lost(self._folder.there, self._folder.there, f"the folder cannot be opened: {refused}")
            return
        validity = int(chosen.get(b"UIDVALIDITY", 0))
        known, _, last = self._known.partition(":")
        newest = int(last) if known == str(validity) and last.isdigit() else 0
        uids = sorted(uid for uid in self._client.search(["UID", f"{newest + 1}:*"]) if uid > newest)
        self._taker.counted(int(chosen.get(b"EXISTS", len(uids))) - len(uids))
        for start in range(0, len(uids), _PORTION):
            portion = uids[start : start + _PORTION]
            self._portion(portion)
            self._taker.note({"what": "mark", "name": self._mark, "value": f"{validity}:{portion[-1]}"})

    def _portion(self, uids: list[int]) -> None:
        sizes = self._client.fetch(uids, ["RFC822.SIZE"])
        waiting: list[int] = []
        size = 0
        for uid in uids:
            length = int(sizes.get(uid, {}).get(b"RFC822.SIZE", 0))
            if length > LONGEST:
                self._lost(uid, f"it is longer than {LONGEST // 1_000_000} MB")
                continue
            if waiting and size + length > _PORTION_BYTES:
                self._fetch(waiting)
                waiting, size = [], 0
            waiting.append(uid)
            size += length
        if waiting:
            self._fetch(waiting)

    def _fetch(self, uids: list[int]) -> None:
        found = self._client.fetch(uids, ["FLAGS", "INTERNALDATE", "BODY.PEEK[]"])
        for uid in uids:
            content = found.get(uid, {}).get(b"BODY[]")
            if not isinstance(content, bytes):
                self._lost(uid, "the server does not give it out")
                continue
            when = found[uid].get(b"INTERNALDATE")
            said = found[uid].get(b"FLAGS", ())
            flags = {_FLAGS[flag.lower()] for flag in said if flag.lower() in _FLAGS}
            keywords = cleaned(flag.decode("ascii", "replace") for flag in said if not flag.startswith(b"\\"))
            self._taker.letter(
                content,
                self._folder.here,
                flags="".join(sorted(flags)),
                keywords=keywords,
                date=when.timestamp() if isinstance(when, datetime) else None,
                path=f"{self._folder.there}, message {uid}",
                elsewhere=self._folder.all_mail,
                labelled=False,
            )
        self._taker.counted(len(uids))

    def _lost(self, uid: int, why: str) -> None:
        self._taker.lost(f"message {uid}", self._folder.there, why)
