"""Every odd mbox there is, cut into the messages a person would see in it."""

from __future__ import annotations

import io
import mailbox
import random
from pathlib import Path

import pytest

from stead.exchange import mbox, window
from stead.exchange.mbox import messages
from tests.exchange.things import letter, mboxed


def cut(raw: bytes, longest: int = 1 << 20) -> list[bytes | None]:
    return [None if one.content is None else bytes(one.content) for one in cuts(raw, longest)]


def cuts(raw: bytes, longest: int = 1 << 20) -> list[mbox.Cut]:
    found = []
    for one in messages(io.BytesIO(raw).readinto, longest):
        # Its bytes are good until the next one is asked for.
        found.append(one._replace(content=None if one.content is None else bytes(one.content)))
    for one in found:
        # What is said to lie in the file as it is, lies there.
        assert one.at < 0 or (one.content is not None and raw[one.at : one.at + len(one.content)] == one.content)
    return found


LETTERS = [letter(n) for n in range(3)]


@pytest.mark.parametrize("piece", [7, 100, 4096, 1 << 19])
def test_an_ordinary_one_however_it_is_read(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "_PIECE", piece)
    assert cut(b"".join(map(mboxed, LETTERS))) == LETTERS
    assert all(one.at > 0 for one in cuts(b"".join(map(mboxed, LETTERS))))


def test_crlf() -> None:
    raw = b"".join(map(mboxed, LETTERS)).replace(b"\n", b"\r\n")
    assert cut(raw) == LETTERS
    assert all(one.at < 0 for one in cuts(raw)), "on disk they are other bytes"


def test_no_empty_line_before_the_next_and_none_at_the_end() -> None:
    raw = b"".join(mboxed(one)[:-1] for one in LETTERS)
    assert cut(raw) == LETTERS
    assert cut(raw[:-1]) == [*LETTERS[:2], LETTERS[2][:-1]]


def test_quoted_lines_come_back_and_unquoted_words_do_not_cut() -> None:
    odd = letter(
        1, body="From here on\nFrom me to you\n>From quoted\n>>From twice\n\nFrom now it is all words\nand so on\n"
    )
    assert cut(mboxed(odd) + mboxed(LETTERS[0])) == [odd, LETTERS[0]]
    unquoted = b"From a@b Tue Jan 02 10:00:00 2024\n" + letter(1, body="x\n\nFrom now it is words\nand so on\n") + b"\n"
    assert len(cut(unquoted + mboxed(LETTERS[0]))) == 2


def test_without_a_first_line_with_a_mark_and_with_nothing() -> None:
    assert cut(LETTERS[0] + b"\n" + mboxed(LETTERS[1])) == LETTERS[:2]
    assert cut(b"\xef\xbb\xbf" + mboxed(LETTERS[0])) == LETTERS[:1]
    assert cut(b"") == [] and cut(b"\n\n") == []


def test_forms_of_the_first_line() -> None:
    lines = (
        "From - Tue Jan 02 10:00:00 2024",
        "From MAILER-DAEMON Fri Jul  8 12:08:34 2011",
        "From 1786@xxx Mon Apr 01 12:00:00 +0000 2024",
        "From a@b  Thu, 11 Apr 2024 10:00:00 +0200",
        "From Zoe Example Tue Jan  2 10:00 2024",
        "From nobody@nowhere",
    )
    raw = b"".join(line.encode() + b"\n" + LETTERS[0] + b"\n" for line in lines)
    assert cut(raw) == [LETTERS[0]] * len(lines)


def test_one_too_long_is_passed_over_in_bounded_memory() -> None:
    big = letter(9, body="x" * 70 + "\n") + b"y" * 75 * 20000
    raw = mboxed(LETTERS[0]) + mboxed(big + b"\n") + mboxed(LETTERS[1])
    assert cut(raw, 1 << 20) == [LETTERS[0], None, LETTERS[1]]


def test_like_pythons_own_module(tmp_path: Path) -> None:
    dice = random.Random(4)
    file = tmp_path / "box"
    box = mailbox.mbox(file)
    wanted = []
    for number in range(200):
        body = "".join(
            dice.choice(("From me\n", ">From\n", "\n", "words\n", "a: b\n")) for _ in range(dice.randrange(30))
        )
        wanted.append(letter(number, body=f"begin\n{body}end\n"))
        box.add(wanted[-1])
    box.close()
    # Python quotes "From " once and nothing else (mboxo), so what was ">From" before is not told apart.
    assert [c and c.replace(b">", b"") for c in cut(file.read_bytes())] == [w.replace(b">", b"") for w in wanted]


def test_the_same_whatever_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a message is never depends on where one reading ended and the next began."""
    dice = random.Random(7)
    dated = b"From a@b Tue Jan 02 10:00:00 2024\n"
    lines = [dated, dated[:-1] + b"\r\n", b"From here\n", b"From n@x\nA: b\n\n", b">From x\n", b"From ", b"F"]
    words = [b"\n", b"\r\n", b"\n\n", b"\r", b"\xef\xbb\xbf", b"a: b\n", b" folded\n", b"words"]
    bits = [*lines, *words, b"x" * 300 + b"\n", b"y" * 3000 + b"\n"]
    for _ in range(300):
        raw = b"".join(dice.choices(bits, k=dice.randrange(60)))
        found = []
        for piece in (7, 1000, 1 << 18):
            monkeypatch.setattr(window, "_PIECE", piece)
            found.append(cuts(raw))
        assert found[0] == found[1] == found[2], raw


def test_memory_that_one_long_message_took_is_given_back() -> None:
    content = random.Random(8).randbytes(6_000_000)
    under_test = window.Window(io.BytesIO(content).readinto)
    small = len(under_test.bytes)
    while under_test.more():
        pass
    assert bytes(under_test.view(0, under_test.end)) == content and len(under_test.bytes) >= len(content)
    shown = under_test.view(5, 10)
    under_test.let_go(len(content) - 100)
    assert (under_test.base, under_test.end, len(under_test.bytes)) == (len(content) - 100, 100, small)
    assert bytes(under_test.view(0, 100)) == content[-100:] and bytes(shown) == content[5:10]
