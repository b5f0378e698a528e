"""Read an IMAP account: every folder of its own, with flags and dates (RFC 3501); a lost connection is made anew.

Folders are known by their special use (RFC 6154) where the server tells it. Views that hold nothing of their own
(Gmail's starred and important) are left out; "all mail" comes last, and only for what lies nowhere else. What others
share with the account (RFC 2342) is theirs and stays.
"""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Any

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from stead.exchange.imap_folder import Folder, FolderReading
from stead.exchange.labels import of_folder
from stead.exchange.letters import Broken

if TYPE_CHECKING:
    from stead.exchange.sending import Sender

_TIMEOUT = 120.0
_USES = {b"\\sent": "Sent", b"\\drafts": "Drafts", b"\\junk": "Junk", b"\\trash": "Trash", b"\\archive": "Archive"}
_VIEWS = {b"\\flagged", b"\\important"}
_LOCAL = ("localhost", "127.0.0.1", "::1")
#: Seconds before each new try after a connection was lost; they begin anew with every message that came over.
_WAITS = (2.0, 10.0, 30.0, 60.0)


def read(account: dict[str, Any], trust: ssl.SSLContext, sender: Sender) -> None:
    """Send every message that was not sent by an earlier run."""
    try:
        _AccountReading(account, trust, sender).read()
    except LoginError as refused:
        raise Broken(f"{account['host']} does not let {account['user']} in: {refused}") from None
    except IMAPClientError as wrong:
        raise Broken(f"{account['host']}: {wrong}") from None


class _AccountReading:
    """An account, over as many connections as it takes."""

    def __init__(self, account: dict[str, Any], trust: ssl.SSLContext, sender: Sender) -> None:
        self._account, self._trust, self._sender = account, trust, sender
        self._readings: list[FolderReading] = []
        self._done = 0

    def read(self) -> None:
        """Every folder, one after the other."""
        client: IMAPClient | None = _connected(self._account, self._trust)
        tries, came = 0, 0
        while client is None or not self._all(client):
            tries, came = (1, self._came()) if self._came() != came else (tries + 1, came)
            if tries > len(_WAITS):
                raise Broken(f"the connection to {self._account['host']} was lost again and again")
            time.sleep(_WAITS[tries - 1])
            client = self._again()

    def _all(self, client: IMAPClient) -> bool:
        """Whether it came to the end of them; no: the connection was lost."""
        try:
            if not self._readings:
                self._look(client)
            while self._done < len(self._readings):
                self._readings[self._done].read(client)
                self._done += 1
        except (IMAPClientAbortError, OSError):
            return False
        _leave(client)
        return True

    def _look(self, client: IMAPClient) -> None:
        folders = sorted(_folders(client, self._sender), key=lambda folder: folder.all_mail)
        self._sender.total(sum(_count(client, folder.there) for folder in folders))
        self._readings = [FolderReading(self._account, folder, self._sender) for folder in folders]

    def _again(self) -> IMAPClient | None:
        try:
            return _connected(self._account, self._trust)
        except (IMAPClientError, OSError):
            # Too many connections, a server that restarts: what is wrong for good, the first one would have told.
            return None

    def _came(self) -> int:
        return sum(reading.came for reading in self._readings)


def _leave(client: IMAPClient) -> None:
    try:
        client.logout()
    except (IMAPClientError, OSError):
        # All is here; how it ends the conversation does not matter.
        return


def _connected(account: dict[str, Any], trust: ssl.SSLContext) -> IMAPClient:
    host, secure = account["host"], account["secure"]
    client = IMAPClient(host, port=account["port"], ssl=secure, ssl_context=trust if secure else None, timeout=_TIMEOUT)
    client.normalise_times = False
    if not secure and (client.has_capability("STARTTLS") or host not in _LOCAL):
        client.starttls(trust)
    user, password = account["user"], account["password"]
    # LOGIN can say nothing but ASCII (RFC 3501, 6.2.3).
    beyond = client.has_capability("AUTH=PLAIN") and not f"{user}{password}".isascii()
    if beyond or client.has_capability("LOGINDISABLED"):
        client.plain_login(user, password)
    else:
        client.login(user, password)
    return client


def _folders(client: IMAPClient, sender: Sender) -> list[Folder]:
    found, others = [], _of_others(client)
    for flags, delimiter, name in client.list_folders():
        said = {flag.lower() for flag in flags}
        if {b"\\noselect", b"\\nonexistent"} & said or _VIEWS & said:
            continue
        if name.startswith(others):
            sender.lost(name, name, "it belongs to somebody else, who shares it")
            continue
        parts = name.split(delimiter.decode("ascii", "replace")) if delimiter else [name]
        if len(parts) > 1 and parts[0].upper() == "INBOX":
            parts = parts[1:]
        use = next((_USES[flag] for flag in said if flag in _USES), None)
        all_mail = b"\\all" in said
        here = "Archive" if all_mail else use or (of_folder(parts[0]) if len(parts) == 1 else "/".join(parts))
        found.append(Folder(name, here, all_mail))
    return found


def _count(client: IMAPClient, name: str) -> int:
    try:
        return int(client.folder_status(name, ["MESSAGES"])[b"MESSAGES"])
    except (IMAPClientError, KeyError):
        return 0


def _of_others(client: IMAPClient) -> tuple[str, ...]:
    """How the names of folders begin that belong to somebody else."""
    if not client.has_capability("NAMESPACE"):
        return ()
    spaces = client.namespace()
    own = {prefix for prefix, _ in spaces.personal or ()}
    foreign = {prefix for space in (spaces.other, spaces.shared) for prefix, _ in space or ()}
    return tuple(sorted(prefix for prefix in foreign - own if prefix))
