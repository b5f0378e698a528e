"""Probes and markers of the calendar service, made in the watch account's own calendar and address book."""

from __future__ import annotations

from datetime import UTC, datetime

from stead.probes import dav
from stead.probes.http import Client, connected
from stead.words.declaration import MarkerKind
from stead.words.probe import Probe, ProbeFailure, Target


def _query(uid: str) -> bytes:
    return f"""<?xml version="1.0"?>
<c:calendar-query xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:d="DAV:"><d:prop><d:getetag/><c:calendar-data/></d:prop>
<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"><c:prop-filter name="UID">
<c:text-match>{uid}</c:text-match></c:prop-filter></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>
""".encode()


def _event(uid: str, words: str, when: datetime) -> bytes:
    day = f"{when.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    lines = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Stead//probe//EN", "BEGIN:VEVENT", f"UID:{uid}")
    rest = (f"DTSTAMP:{day}", f"DTSTART:{day}", f"SUMMARY:{words}", "END:VEVENT", "END:VCALENDAR", "")
    return "\r\n".join((*lines, *rest)).encode()


def _card(uid: str) -> bytes:
    return "\r\n".join(
        ("BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}", "FN:Stead Probe", "N:Probe;Stead", "END:VCARD", "")
    ).encode()


def _calendar(target: Target) -> str:
    return f"/calendar/{target.account}/calendar/"


def _contacts(target: Target) -> str:
    return f"/calendar/{target.account}/contacts/"


def _entry_kept(target: Target) -> str:
    name = dav.probe_name("ics")
    folder, uid = _calendar(target), name[:-4]
    place = dav.path(folder, name)
    with connected(target) as client, dav.passing(client, place):
        _put(client, place, _event(uid, "Probe", datetime.now(UTC)), "text/calendar; charset=utf-8")
        headers = {"Depth": "1", "Content-Type": "text/xml"}
        found = client.expect((207,), "REPORT", folder, body=_query(uid), headers=headers)
        if uid not in found.text:
            raise ProbeFailure("an entry was stored but a search of the calendar does not find it")
    return "an entry was stored, found by a search, and removed"


def _contact_kept(target: Target) -> str:
    name = dav.probe_name("vcf")
    place, uid = dav.path(_contacts(target), name), name[:-4]
    with connected(target) as client, dav.passing(client, place):
        _put(client, place, _card(uid), "text/vcard; charset=utf-8")
        if uid not in client.expect((200,), "GET", place).text:
            raise ProbeFailure("a contact was stored but something else came back")
    return "a contact was stored, read back, and removed"


def _put(client: Client, place: str, body: bytes, kind: str) -> None:
    client.expect((201, 204), "PUT", place, body=body, headers={"Content-Type": kind, "If-None-Match": "*"})


def _write_marker(target: Target, when: datetime) -> None:
    folder = _calendar(target)
    name = dav.marker_name(when, "ics")
    with connected(target) as client:
        headers = {"Content-Type": "text/calendar; charset=utf-8"}
        client.expect(
            (201, 204), "PUT", dav.path(folder, name), body=_event(name[:-4], "Marker", when), headers=headers
        )
        dav.sweep(client, folder, when)
        dav.sweep(client, _contacts(target), when)


def _newest_marker(target: Target) -> datetime | None:
    with connected(target) as client:
        return dav.newest(dav.names(client, _calendar(target)))


PROBES = (
    Probe("calendar entry kept", "calendar", _entry_kept),
    Probe("contact kept", "calendar", _contact_kept),
)
MARKER = MarkerKind(_write_marker, _newest_marker)
