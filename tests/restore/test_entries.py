"""Entries and contacts back: when they are gone, as a copy when they changed, read by a real program's requests."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from tests.restore.conftest import Owner
from tests.services.files.dav import Client

EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n"
    "DTSTAMP:20260301T120000Z\r\nDTSTART:20260302T090000Z\r\nSUMMARY:{words}\r\nLOCATION:Bahnhofstraße\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
CARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{words}\r\nN:{words};;;;\r\nEMAIL:{uid}@example.org\r\nEND:VCARD\r\n"
)
QUERY = (
    '<c:calendar-query xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:d="DAV:"><d:prop><c:calendar-data/></d:prop>'
    '<c:filter><c:comp-filter name="VCALENDAR"/></c:filter></c:calendar-query>'
)
KINDS = {"event": ("calendar", "ics", "text/calendar", EVENT), "contact": ("contacts", "vcf", "text/vcard", CARD)}


@pytest.fixture
def alice(owner: Owner) -> Client:
    client = Client(owner.server, "alice")
    client.ask("PROPFIND", "/calendar/alice/", b"", {"Depth": "1"})
    return client


@pytest.fixture
def uid() -> str:
    return f"u{uuid4().hex[:10]}"


def store(client: Client, kind: str, uid: str, words: str) -> str:
    folder, suffix, media, form = KINDS[kind]
    path = f"/calendar/alice/{folder}/{uid}.{suffix}"
    answer = client.ask("PUT", path, form.format(uid=uid, words=words), {"Content-Type": f"{media}; charset=utf-8"})
    assert answer.status == 201
    return path


def texts(client: Client) -> str:
    return client.ask("REPORT", "/calendar/alice/calendar/", QUERY, {"Depth": "1"}).text


@pytest.mark.parametrize("kind", ["event", "contact"])
@pytest.mark.parametrize("far", [False, True])
def test_what_was_deleted_comes_back(owner: Owner, alice: Client, uid: str, kind: str, far: bool) -> None:
    path = store(alice, kind, uid, f"Dr. Müller {uid}")
    owner.backup()
    owner.picture()
    before = alice.ask("GET", path).text
    assert alice.ask("DELETE", path).status == 200
    if far:
        owner.no_pictures()
    answer = owner.restore(kind, "alice", "muller", uid[:6], "--yes")
    assert ("snapshot" in answer["done"][0]) == far
    assert alice.ask("GET", path).text == before
    again = owner.restore(kind, "alice", uid, "--yes")
    assert again["done"][0]["there_already"]


def test_a_changed_entry_stays_and_the_old_one_comes_as_a_copy(owner: Owner, alice: Client, uid: str) -> None:
    path = store(alice, "event", uid, f"Dentist {uid}")
    owner.backup()
    media = {"Content-Type": "text/calendar; charset=utf-8"}
    alice.ask("PUT", path, EVENT.format(uid=uid, words=f"Moved {uid}"), media)
    answer = owner.restore("event", "alice", "dentist", uid, "--yes")
    assert "copy" in answer["done"][0]["where"]
    assert f"SUMMARY:Moved {uid}" in alice.ask("GET", path).text
    everything = texts(alice)
    assert f"SUMMARY:Dentist {uid}" in everything and everything.count(f"UID:{uid}") == 1


def test_a_deleted_calendar_comes_back_with_its_name(owner: Owner, alice: Client, uid: str) -> None:
    make = (
        '<mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop><resourcetype><collection/>'
        "<C:calendar/></resourcetype><displayname>Verein &amp; Chor</displayname></prop></set></mkcol>"
    )
    assert alice.ask("MKCOL", f"/calendar/alice/{uid}/", make, {"Content-Type": "text/xml"}).status == 201
    media = {"Content-Type": "text/calendar; charset=utf-8"}
    path = f"/calendar/alice/{uid}/{uid}.ics"
    assert alice.ask("PUT", path, EVENT.format(uid=uid, words=f"Probe {uid}"), media).status == 201
    owner.backup()
    owner.picture()
    assert alice.ask("DELETE", f"/calendar/alice/{uid}/").status == 200
    owner.restore("event", "alice", "probe", uid, "--yes")
    assert f"SUMMARY:Probe {uid}" in alice.ask("GET", path).text
    names = alice.ask("PROPFIND", "/calendar/alice/", b"", {"Depth": "1"}).text
    assert "Verein &amp; Chor" in names


def test_a_contact_with_a_big_picture_is_found(owner: Owner, alice: Client, uid: str) -> None:
    photo = "".join(f"\r\n {'QUFB' * 18}" for _ in range(6000))
    card = CARD.format(uid=uid, words=f"Photo {uid}").replace("FN:", f"PHOTO;ENCODING=b;TYPE=JPEG:{photo}\r\nFN:")
    path = f"/calendar/alice/contacts/{uid}.vcf"
    assert alice.ask("PUT", path, card, {"Content-Type": "text/vcard; charset=utf-8"}).status == 201
    owner.backup()
    alice.ask("DELETE", path)
    owner.restore("contact", "alice", f"photo {uid}", "--yes")
    assert f"FN:Photo {uid}" in alice.ask("GET", path).text


def test_hostile_entries_do_not_break_the_search(owner: Owner, alice: Client, uid: str) -> None:
    store(alice, "event", uid, f"Good {uid}")
    folder = owner.server.home.data / "calendar/collections/collection-root/alice/calendar"
    hostile = (b"\xff\xfe" * 1000, b"SUMMARY:" + b"x" * 2_000_000, b"BEGIN:VCALENDAR\r\n" * 10_000, b"SUMMARY\0:a\r\n")
    for number, content in enumerate(hostile):
        (folder / f"{uid}-{number}.ics").write_bytes(content)
    owner.backup()
    for number in range(len(hostile)):
        (folder / f"{uid}-{number}.ics").unlink()
    found = owner.restore("event", "alice", uid, "--dry-run")["found"]
    assert [one["title"] for one in found] == [f"Good {uid}"]
    assert json.dumps(found)
