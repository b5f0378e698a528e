"""What an account holds, asked through the real protocols."""

from __future__ import annotations

import base64
import http.client
import re
from dataclasses import dataclass
from datetime import datetime

from imapclient import IMAPClient

from tests.rig.server import Server


@dataclass(frozen=True)
class Seen:
    """One message as an IMAP client sees it."""

    folder: str
    flags: frozenset[bytes]
    date: datetime
    content: bytes


def mail(server: Server, name: str, skip: tuple[str, ...] = ()) -> list[Seen]:
    """Every message of an account."""
    at = server.endpoint("imaps")
    found = []
    with IMAPClient("localhost", at.port, ssl_context=server.tls(), timeout=60) as client:
        client.normalise_times = False
        client.login(name, server.people[name])
        for said, _delimiter, folder in client.list_folders():
            if folder in skip or {b"\\NonExistent", b"\\Noselect"} & set(said):
                continue
            client.select_folder(folder, readonly=True)
            for got in client.fetch(
                client.search("ALL"), ["FLAGS", "INTERNALDATE", "BODY.PEEK[]", "RFC822.SIZE"]
            ).values():
                assert got[b"RFC822.SIZE"] == len(got[b"BODY[]"])
                flags = frozenset(flag for flag in got[b"FLAGS"] if flag != b"\\Recent")
                found.append(Seen(folder, flags, got[b"INTERNALDATE"], got[b"BODY[]"].replace(b"\r\n", b"\n")))
    return found


def subscribed(server: Server, name: str) -> set[str]:
    """The folders a mail program shows."""
    with IMAPClient("localhost", server.endpoint("imaps").port, ssl_context=server.tls(), timeout=60) as client:
        client.login(name, server.people[name])
        return {folder for _, _, folder in client.list_sub_folders()}


def ask(server: Server, name: str, method: str, path: str, body: str = "", **headers: str) -> tuple[int, bytes]:
    """One HTTPS request as an account."""
    link = http.client.HTTPSConnection("localhost", server.endpoint("https").port, context=server.tls(), timeout=60)
    login = base64.b64encode(f"{name}:{server.people[name]}".encode()).decode()
    link.request(method, path, body.encode(), {"Authorization": f"Basic {login}", **headers})
    answer = link.getresponse()
    return answer.status, answer.read()


def collections(server: Server, name: str) -> dict[str, str]:
    """Path by display name of an account's calendars and address books."""
    props = '<?xml version="1.0"?><propfind xmlns="DAV:"><prop><displayname/></prop></propfind>'
    code, text = ask(server, name, "PROPFIND", f"/calendar/{name}/", props, Depth="1")
    assert code == 207, text
    found = {}
    for response in re.findall(r"<response>.*?</response>", text.decode(), re.DOTALL):
        path, called = (
            re.search(r"<href>(.*?)</href>", response),
            re.search(r"<displayname>(.*?)</displayname>", response),
        )
        if path and called:
            found[called[1]] = path[1]
    return found


def calendar(server: Server, name: str, path: str) -> str:
    """A whole collection as its service gives it out."""
    code, text = ask(server, name, "GET", path)
    assert code == 200, text
    return text.decode()
