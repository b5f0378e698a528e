"""Keywords: Thunderbird's tags and anybody's own come over with their messages, whatever they come from and go to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stead.exchange.exporting import give_out
from stead.exchange.importing import Wanted, bring_in
from stead.exchange.items import Item, Kind
from stead.words import keywords
from stead.words.progress import Silent
from tests.exchange import looking
from tests.exchange.things import letter, mboxed, read
from tests.rig.server import Server


def test_the_file_and_its_letters() -> None:
    known = keywords.read(b"0 $Forwarded\n1 $label1\n25 last\n26 toomany\n2 bad(atom\nnonsense\n")
    assert known == {"a": "$Forwarded", "b": "$label1", "z": "last"}
    assert keywords.named("abcz", known) == ("$Forwarded", "$label1", "last")
    assert keywords.read(keywords.write(known)) == known
    wanted, letters = keywords.with_letters(known, ("$LABEL1", "new"))
    assert letters == "bc" and wanted == {**known, "c": "new"}
    full, letters = keywords.with_letters({}, (f"k{n}" for n in range(30)))
    assert len(full) == 26 and letters == "abcdefghijklmnopqrstuvwxyz"
    assert keywords.cleaned(["a", "A", "b c", "", 'q"', "x" * 65, "$ok"]) == ("a", "$ok")


def test_rows_of_an_earlier_program_have_none() -> None:
    item = Item(Kind.MAIL, "0" * 32, "INBOX", 5, keywords=("$label1",))
    assert Item.read(item) == item
    assert Item.read(item[:-1]).keywords == () and Item.read(item[:9]).keywords == ()


def test_out_of_an_mbox_and_a_maildir(tmp_path: Path) -> None:
    file = tmp_path / "Inbox"
    file.write_bytes(
        mboxed(letter(1, "X-Mozilla-Status: 0001\nX-Mozilla-Keys: $label1 todo   \n"))
        + mboxed(letter(2, "Status: RO\nX-Keywords: $Forwarded\n"))
        + mboxed(letter(3))
    )
    assert [i.keywords for i in read(file).items] == [("$label1", "todo"), ("$Forwarded",), ()]
    box = tmp_path / "Maildir"
    for part in ("cur", "new", "tmp", ".Work/cur", ".Work/new", ".Work/tmp"):
        (box / part).mkdir(parents=True)
    (box / "dovecot-keywords").write_text("0 $label2\n1 later\n")
    (box / ".Work/dovecot-keywords").write_text("0 other\n")
    for name, number in {
        "cur/1700000000.a:2,FSab": 4,
        "cur/1700000001.b:2,S": 5,
        ".Work/cur/1700000002.c:2,a": 6,
    }.items():
        (box / name).write_bytes(letter(number))
    told = read(box)
    assert {(i.where, i.flags, i.keywords) for i in told.items} == {
        ("INBOX", "FS", ("$label2", "later")),
        ("INBOX", "S", ()),
        ("Work", "", ("other",)),
    }
    assert not told.lost


def test_through_accounts_and_exports(house: Server, person: Callable[[], str], tmp_path: Path) -> None:
    name = person()
    file = tmp_path / "Inbox"
    file.write_bytes(b"".join(mboxed(letter(n, "X-Mozilla-Keys: $label1 todo\n" if n % 2 else "")) for n in range(6)))
    bring_in(house.home, house.settings, Wanted(name, (file,)), Silent())
    tagged = set(flags_of(house, name).values())
    assert tagged == {frozenset({b"$label1", b"todo"}), frozenset()}, "Dovecot reads what was written beside it"
    with house.imap(name) as connection:
        connection.select("INBOX")
        connection.store("1", "+FLAGS", r"(Private)")
    more = tmp_path / "More"
    more.write_bytes(mboxed(letter(50, "X-Keywords: Family\n")))
    bring_in(house.home, house.settings, Wanted(name, (more,), into="INBOX"), Silent())
    before = flags_of(house, name)
    assert sum(b"Private" in flags for flags in before.values()) == 1
    assert sum(b"Family" in flags for flags in before.values()) == 1, "beside one that Dovecot itself had added"
    for form in ("maildir", "mbox"):
        other = person()
        give_out(house.home, name, tmp_path / form, form, Silent())
        bring_in(house.home, house.settings, Wanted(other, (tmp_path / form,)), Silent())
        assert flags_of(house, other) == before, form


def flags_of(house: Server, name: str) -> dict[bytes, frozenset[bytes]]:
    """Keywords by the message's subject."""
    found = {}
    for seen in looking.mail(house, name):
        subject = next(line for line in seen.content.splitlines() if line.startswith(b"Subject:"))
        found[subject] = frozenset(flag for flag in seen.flags if not flag.startswith(b"\\"))
    return found
