"""CalDAV and CardDAV in a booted machine: what programs look for, who may see it, and what is refused."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from tests.rig.server import Server
from tests.services.files.dav import Client

EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n"
    "DTSTAMP:20260301T120000Z\r\nDTSTART:20260302T090000Z\r\nSUMMARY:{words}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
PRINCIPAL = '<propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>'
HOMES = (
    '<propfind xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:r="urn:ietf:params:xml:ns:carddav">'
    "<prop><c:calendar-home-set/><r:addressbook-home-set/></prop></propfind>"
)
KINDS = '<propfind xmlns="DAV:"><prop><resourcetype/><displayname/></prop></propfind>'
CALENDAR = {"Content-Type": "text/calendar; charset=utf-8"}


@pytest.fixture
def alice(live: Server) -> Client:
    return Client(live, "alice")


@pytest.fixture
def bob(live: Server) -> Client:
    return Client(live, "bob")


@pytest.mark.parametrize("kind", ["caldav", "carddav"])
def test_a_program_finds_everything_from_the_bare_name(alice: Client, kind: str) -> None:
    known = alice.ask("PROPFIND", f"/.well-known/{kind}", PRINCIPAL, {"Depth": "0"})
    assert known.status == 301 and known.headers["location"].endswith("/calendar/")
    principal = alice.ask("PROPFIND", "/calendar/", PRINCIPAL, {"Depth": "0"})
    assert "/calendar/alice/" in principal.text
    homes = alice.ask("PROPFIND", "/calendar/alice/", HOMES, {"Depth": "0"})
    assert len(re.findall("<href>/calendar/alice/</href>", homes.text)) >= 2
    found = alice.ask("PROPFIND", "/calendar/alice/", KINDS, {"Depth": "1"}).text
    assert "Calendar</displayname>" in found and "Contacts</displayname>" in found
    assert "/calendar/alice/calendar/" in found and "/calendar/alice/contacts/" in found


def test_the_login_name_may_have_its_domain(live: Server, alice: Client) -> None:
    uid = uuid4().hex
    path = f"/calendar/alice/calendar/{uid}.ics"
    assert alice.ask("PUT", path, EVENT.format(uid=uid, words="one"), CALENDAR).status == 201
    full = Client(live, "alice", f"alice@{live.domain}")
    assert "SUMMARY:one" in full.ask("GET", path).text
    assert "/calendar/alice/" in full.ask("PROPFIND", "/calendar/", PRINCIPAL, {"Depth": "0"}).text
    assert full.ask("DELETE", path).status == 200


def test_an_entry_can_be_moved(alice: Client) -> None:
    one, other = (f"/calendar/alice/calendar/{uuid4().hex}.ics" for _ in range(2))
    assert alice.ask("PUT", one, EVENT.format(uid=uuid4().hex, words="moved"), CALENDAR).status == 201
    assert alice.ask("MOVE", one, headers={"Destination": f"https://{alice.host}{other}"}).status == 201
    assert "SUMMARY:moved" in alice.ask("GET", other).text
    assert alice.ask("DELETE", other).status == 200


def test_nobody_sees_anothers_calendar(alice: Client, bob: Client) -> None:
    path = f"/calendar/alice/calendar/{uuid4().hex}.ics"
    alice.ask("PUT", path, EVENT.format(uid=uuid4().hex, words="secret"), CALENDAR)
    for method, place in (("GET", path), ("PROPFIND", "/calendar/alice/"), ("DELETE", path), ("PUT", path)):
        assert bob.ask(method, place, headers={"Depth": "1"}).status == 403
    assert "alice" not in bob.ask("PROPFIND", "/calendar/", KINDS, {"Depth": "1"}).text
    assert alice.ask("DELETE", path).status == 200


def test_without_a_password_there_is_nothing(alice: Client) -> None:
    assert alice.ask("PROPFIND", "/calendar/", auth=False).status == 401
    forged = alice.ask(
        "PROPFIND", "/calendar/alice/", headers={"Remote-User": "alice", "X-Remote-User": "alice"}, auth=False
    )
    assert forged.status == 401


def test_hostile_xml_and_long_bodies_are_refused(alice: Client) -> None:
    outside = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    body = f'{outside}<propfind xmlns="DAV:"><prop><x>&a;</x></prop></propfind>'
    answer = alice.ask("PROPFIND", "/calendar/alice/", body, {"Depth": "0"})
    assert answer.status == 400 and "root:" not in answer.text
    head = (
        f"PUT /calendar/alice/calendar/x.ics HTTP/1.1\r\nHost: {alice.host}\r\nAuthorization: {alice.authorization}\r\n"
    )
    with alice.connect() as connection:
        connection.sendall((head + "Content-Length: 100000000\r\n\r\n").encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "path", ["/calendar/../etc/passwd", "/calendar/%2e%2e/%2e%2e/etc/passwd", "/calendar/alice/..%2f..%2f"]
)
def test_tricks_with_paths_lead_nowhere(bob: Client, path: str) -> None:
    answer = bob.ask("GET", path)
    assert "root:" not in answer.text
    assert answer.status != 207 and "VCALENDAR" not in answer.text
