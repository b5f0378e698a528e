"""Read one folder of an IMAP account in portions; resumable by UIDVALIDITY and UID (RFC 3501, 2.3.1.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from stead.exchange.items import LONGEST
from stead.words.keywords import cleaned
from stead.words.portions import portions

if TYPE_CHECKING:
    from stead.exchange.sending import Sender

_PORTION, _PORTION_BYTES = 300, 24 << 20
_FLAGS = {b"\\seen": "S", b"\\answered": "R", b"\\flagged": "F", b"\\draft": "D", b"\\deleted": "T"}
_WANTED = ["FLAGS", "INTERNALDATE", "BODY.PEEK[]"]


@dataclass(frozen=True)
class Folder:
    """A folder's name at the server and here; ``all_mail``: it shows what lies in the others, too."""

    there: str
    here: str
    all_mail: bool


class FolderReading:
    """One folder of the account; ``came`` counts what was sent of it."""

    def __init__(self, account: dict[str, Any], folder: Folder, sender: Sender) -> None:
        self._folder = folder
        self._sender = sender
        self._mark = f"imap {account['user']}@{account['host']} {sender.into} {folder.there}"
        self._known = str(account["marks"].get(self._mark, ""))
        self._begun = False
        self.came = 0

    def read(self, client: IMAPClient) -> None:
        """Everything newer than the mark, oldest first; the mark follows each portion. Goes on after an interruption.

        IMAPClientAbortError or OSError when the connection is lost.
        """
        try:
            chosen = client.select_folder(self._folder.there, readonly=True)
            validity = int(chosen.get(b"UIDVALIDITY", 0))
            known, _, last = self._known.partition(":")
            newest = int(last) if known == str(validity) and last.isdigit() else 0
            uids = sorted(uid for uid in client.search(["UID", f"{newest + 1}:*"]) if uid > newest)
        except IMAPClientAbortError:
            raise
        except IMAPClientError as refused:
            self._sender.lost(self._folder.there, self._folder.there, f"the folder cannot be opened: {refused}")
            return
        if not self._begun:
            self._sender.counted(int(chosen.get(b"EXISTS", len(uids))) - len(uids))
        self._begun = True
        for start in range(0, len(uids), _PORTION):
            portion = uids[start : start + _PORTION]
            for few in portions(self._small_enough(client, portion), _PORTION_BYTES):
                self._fetch(client, few)
                self._reached(f"{validity}:{few[-1]}")
            # What was too long at its end is done with, too.
            self._reached(f"{validity}:{portion[-1]}")

    def _reached(self, known: str) -> None:
        if known != self._known:
            self._known = known
            self._sender.note({"what": "mark", "name": self._mark, "value": known})

    def _small_enough(self, client: IMAPClient, uids: list[int]) -> Iterator[tuple[int, int]]:
        """Messages and their bytes, without what is too long."""
        sizes = client.fetch(uids, ["RFC822.SIZE"])
        for uid in uids:
            length = int(sizes.get(uid, {}).get(b"RFC822.SIZE", 0))
            if length > LONGEST:
                self._lost(uid, f"it is longer than {LONGEST // 1_000_000} MB")
            else:
                yield uid, length

    def _fetch(self, client: IMAPClient, uids: list[int]) -> None:
        try:
            found = client.fetch(uids, _WANTED)
        except IMAPClientAbortError:
            raise
        except IMAPClientError as refused:
            # One broken message makes some servers refuse them all.
            if len(uids) > 1:
                for uid in uids:
                    self._fetch(client, [uid])
            else:
                self._lost(uids[0], f"the server does not give it out: {str(refused)[:100]}")
                self._sender.counted(1)
            return
        for uid in uids:
            self._send(uid, found.get(uid, {}))
        self._sender.counted(len(uids))

    def _send(self, uid: int, found: dict[bytes, Any]) -> None:
        content = found.get(b"BODY[]")
        if not isinstance(content, bytes):
            self._lost(uid, "the server does not give it out")
            return
        when = found.get(b"INTERNALDATE")
        said = found.get(b"FLAGS", ())
        self._sender.letter(
            content,
            self._folder.here,
            flags="".join(sorted({_FLAGS[flag.lower()] for flag in said if flag.lower() in _FLAGS})),
            keywords=cleaned(flag.decode("ascii", "replace") for flag in said if not flag.startswith(b"\\")),
            date=when.timestamp() if isinstance(when, datetime) else None,
            path=f"{self._folder.there}, message {uid}",
            elsewhere=self._folder.all_mail,
            labelled=False,
        )
        self.came += 1

    def _lost(self, uid: int, why: str) -> None:
        self._sender.lost(f"message {uid}", self._folder.there, why)
