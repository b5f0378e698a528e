"""Dates, flags, labels and identity, read off headers as programs really write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stead.exchange.labels import decoded, of_folder, of_labels
from stead.exchange.letters import Broken, read_letter
from tests.exchange.things import letter


def when(raw: bytes, line: bytes = b"") -> str:
    return datetime.fromtimestamp(read_letter(raw, line).date, UTC).isoformat()


def test_the_date_of_receipt() -> None:
    assert when(letter(1), b"From 1@xxx Mon Apr 01 12:00:00 +0200 2024") == "2024-04-01T10:00:00+00:00"
    assert when(letter(1), b"From - Mon Apr 01 12:00:00 2024") == "2024-01-02T10:00:01+00:00", (
        "that is when it was stored"
    )
    received = letter(1, "Received: from a by b;\n\tWed, 03 Jan 2024 11:00:00 +0100\n")
    assert when(received) == "2024-01-03T10:00:00+00:00"
    assert when(b"Date: nonsense\n\n") == "1970-01-01T00:00:00+00:00"
    assert when(b"Date: Mon, 99 Foo 99999\n\nx", b"From - Mon Apr 01 12:00:00 2024") == "2024-04-01T12:00:00+00:00"


@pytest.mark.parametrize(
    ("headers", "flags"),
    [
        ("Status: RO\n", "S"),
        ("Status: O\n", ""),
        ("Status: RO\nX-Status: AF\n", "FRS"),
        ("X-Status: T\nStatus: R\n", "DS"),
        ("X-Mozilla-Status: 0007\nX-Mozilla-Status2: 00000000\n", "SRF"),
        ("X-Mozilla-Status: 0000\n", ""),
        ("", None),
    ],
)
def test_flags_of_other_programs(headers: str, flags: str | None) -> None:
    found = read_letter(letter(1, headers)).flags
    assert (found is None) == (flags is None) and set(found or "") == set(flags or "")


def test_expunged_but_not_compacted() -> None:
    assert read_letter(letter(1, "X-Mozilla-Status: 0009\n")).expunged


def test_identity_is_the_same_wherever_it_was_kept() -> None:
    plain = read_letter(letter(1)).id
    for more in ("Status: RO\n", "X-Gmail-Labels: a,\n b\nX-GM-THRID: 1\n", "X-Mozilla-Keys:   \n"):
        assert read_letter(letter(1, more)).id == plain
    assert read_letter(letter(1) + b"\n\n").id == plain
    assert read_letter(letter(2)).id != plain
    assert read_letter(letter(1, body="Other words.\n")).id != plain
    assert read_letter(b"Subject: x\nStatus: RO\n").id == read_letter(b"Subject: x\n").id


def test_what_is_no_message() -> None:
    for raw in (b"", b"\n\n", b"just words\nand more\n", b"\0\0\0"):
        with pytest.raises(Broken):
            read_letter(raw)
    assert read_letter(b"Subject: \xe4\xf6 8 bit \0\n\nx").name


@pytest.mark.parametrize(
    ("labels", "folders", "flags"),
    [
        ("Inbox,Opened,Category Personal", ("INBOX",), "S"),
        ("Inbox,Unread,Starred,Work", ("INBOX", "Work"), "F"),
        ("Posteingang,Ungelesen", ("INBOX",), ""),
        ("Boîte de réception,Ouvert", ("INBOX",), "S"),
        ("Archiviert,Geöffnet", ("Archive",), "S"),
        ("Papierkorb,Arbeit", ("Trash",), "S"),
        ("Spam", ("Junk",), "S"),
        ("受信トレイ,未読", ("INBOX",), ""),
        ('"a, b",Sent', ("a, b", "Sent"), "S"),
        ("Important", ("Archive",), "S"),
        ("", ("Archive",), "S"),
    ],
)
def test_labels(labels: str, folders: tuple[str, ...], flags: str) -> None:
    place = of_labels(labels)
    assert (place.folders, place.flags) == (folders, flags)


def test_encoded_labels() -> None:
    assert decoded(" =?UTF-8?Q?Ge=C3=B6ffnet,?=\n =?UTF-8?Q?Wichtig?=") == "Geöffnet,Wichtig"
    assert decoded("=?UTF-8?Q?Gr=C3=B6=C3=9Fe?=,Inbox").replace(" ", "") == "Größe,Inbox"
    assert decoded("=?nonsense?Q?abc?=") and decoded("=?UTF-8?B?!!!?=")


def test_folders_of_other_programs() -> None:
    assert [of_folder(n) for n in ("Gesendete Objekte", "INBOX", "Deleted Items", "Arbeit")] == [
        "Sent",
        "INBOX",
        "Trash",
        "Arbeit",
    ]
