"""Calendar and contact files into single things, broken ones told by name."""

from __future__ import annotations

from stead.exchange.cards import Card, cards
from stead.exchange.entries import Entry, calendar_name, entries, text_of
from tests.exchange.things import CARDS, EVENTS


def kept(text: str) -> list[Entry]:
    return [found for found in entries(text) if isinstance(found, Entry)]


def why(text: str) -> str:
    return "\n".join(": ".join(found) for found in entries(text) if not isinstance(found, Entry))


def test_what_bears_one_uid_stays_together_with_its_time_zone() -> None:
    series, single = kept(EVENTS)
    assert (series.uid, single.uid) == ("series@example.com", "single@example.com")
    text = series.text.decode()
    assert text.count("BEGIN:VEVENT") == 2 and text.count("TZID:Europe/Berlin\r\n") == 1 and "Chor\\, später" in text
    assert b"VTIMEZONE" not in single.text
    assert calendar_name(EVENTS) == "Familie, Müller"
    assert "Broken one: its start cannot be read: someday" in why(EVENTS)


def test_forms_of_a_file() -> None:
    for raw in (EVENTS.encode("utf-16"), EVENTS.encode("utf-8-sig"), EVENTS.replace("\n", "\r\n").encode()):
        assert len(kept(text_of(raw))) == 2
    assert len(kept(text_of(EVENTS.encode("latin-1")))) == 2
    assert len(kept(text_of(EVENTS.encode().replace(b"Chor", b"Ch\0or")))) == 2


def test_cut_short_and_without_uid() -> None:
    assert "cut short" in why(EVENTS[: EVENTS.index("SUMMARY:Geburtstag")])
    nameless = EVENTS.replace("UID:single@example.com\n", "")
    first, again = ([e.uid for e in kept(nameless) if e.uid.startswith("stead-")] for _ in range(2))
    assert first == again and len(first) == 1


def test_the_newer_of_two() -> None:
    block = "BEGIN:VEVENT\nUID:a\nDTSTART:20240101T000000Z\nSEQUENCE:{}\nSUMMARY:v{}\nEND:VEVENT\n"
    (one,) = kept(f"BEGIN:VCALENDAR\n{block.format(2, 2)}{block.format(1, 1)}END:VCALENDAR\n")
    assert b"SUMMARY:v2" in one.text and b"v1" not in one.text


def test_cards_of_three_versions() -> None:
    found = [card for card in cards(CARDS) if isinstance(card, Card)]
    assert [card.name for card in found] == ["Zoe Example", "Jörg Müller", "Four"]
    old = found[1].text.decode()
    assert "VERSION:3.0" in old and "N:Müller;Jörg;;;" in old and "TEL;TYPE=CELL;TYPE=VOICE:+49 1" in old
    assert "NOTE:one\\ntwo is a long line that goes on" in old
    assert all(b"\r\nUID:" in card.text for card in found) and found[2].uid == "urn:uuid:4"
    assert [card.uid for card in found] == [card.uid for card in cards(CARDS) if isinstance(card, Card)]
    assert [w for c in cards(CARDS) if isinstance(c, tuple) for w in c][1].startswith("it names nobody")


def test_broken_cards() -> None:
    assert [c[1] for c in cards("BEGIN:VCARD\nFN:x\n") if isinstance(c, tuple)] == [
        "it has no end: the file is cut short"
    ]
    assert "no property" in str(list(cards("BEGIN:VCARD\nVERSION:3.0\nFN:x\nnonsense\nEND:VCARD\n")))
    assert "damaged" in str(list(cards("BEGIN:VCARD\nVERSION:2.1\nFN:x\nPHOTO;BASE64:###\nEND:VCARD\n")))


def test_long_lines_are_folded_and_nothing_is_lost() -> None:
    (card,) = cards("BEGIN:VCARD\nVERSION:3.0\nFN:" + "ü" * 200 + "\nEND:VCARD\n")
    assert isinstance(card, Card)
    assert max(len(line) for line in card.text.split(b"\r\n")) <= 75
    assert ("FN:" + "ü" * 200) in card.text.decode().replace("\r\n ", "")
