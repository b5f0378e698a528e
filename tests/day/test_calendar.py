"""A day's appointments and contacts, kept the same on two devices by a real sync program."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from tests.rig.programs import Programs

EVENT = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//example//day//EN\r
BEGIN:VEVENT\r
UID:{uid}\r
DTSTAMP:20260301T120000Z\r
DTSTART:20260302T090000Z\r
DTEND:20260302T100000Z\r
SUMMARY:{summary}\r
END:VEVENT\r
END:VCALENDAR\r
"""
CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:{name};;;;\r\nEND:VCARD\r\n"


def collection(local: Path, kind: str) -> Path:
    """The collection the server gave by itself."""
    found = sorted(path for path in (local / kind).iterdir() if path.is_dir())
    assert found, f"the server offers no {kind} of its own"
    return found[0]


def test_entries_travel_between_two_devices(programs: Programs, tmp_path: Path) -> None:
    laptop, phone = tmp_path / "laptop", tmp_path / "phone"
    programs.vdirsyncer("alice", laptop)
    event, card, other = f"event-{uuid4()}", f"card-{uuid4()}", f"event-{uuid4()}"
    (collection(laptop, "calendar") / f"{other}.ics").write_text(EVENT.format(uid=other, summary="Stays"), newline="")
    (collection(laptop, "calendar") / f"{event}.ics").write_text(EVENT.format(uid=event, summary="Dentist"), newline="")
    (collection(laptop, "contacts") / f"{card}.vcf").write_text(CARD.format(uid=card, name="Zoe Adams"), newline="")
    programs.vdirsyncer("alice", laptop)

    second = Programs(programs.server, tmp_path / "second")
    second.folder.mkdir()
    second.vdirsyncer("alice", phone)
    kept = next(file for file in collection(phone, "calendar").glob("*.ics") if event in file.read_text())
    assert any(card in file.read_text() for file in collection(phone, "contacts").glob("*.vcf"))

    kept.write_text(EVENT.format(uid=event, summary="Dentist at noon"), newline="")
    second.vdirsyncer("alice", phone)
    programs.vdirsyncer("alice", laptop)
    on_laptop = [file.read_text() for file in collection(laptop, "calendar").glob("*.ics")]
    assert any("Dentist at noon" in text for text in on_laptop)

    kept.unlink()
    second.vdirsyncer("alice", phone)
    programs.vdirsyncer("alice", laptop)
    assert not any(event in file.read_text() for file in collection(laptop, "calendar").glob("*.ics"))


def test_bob_sees_nothing_of_alice(programs: Programs, tmp_path: Path) -> None:
    mine = tmp_path / "alice"
    programs.vdirsyncer("alice", mine)
    secret = f"secret-{uuid4()}"
    (collection(mine, "calendar") / f"{secret}.ics").write_text(EVENT.format(uid=secret, summary="mine"), newline="")
    programs.vdirsyncer("alice", mine)
    programs.vdirsyncer("bob", tmp_path / "bob")
    assert not any(secret in file.read_text() for file in (tmp_path / "bob").rglob("*.ics"))
