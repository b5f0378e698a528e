"""A kit as a file and as codes on paper: it opens with its passphrase and with nothing else."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader
from pyrage import passphrase

from stead.kit import new_passphrase, open_kit, places_of, refuse_weak, write_kit
from stead.kit.page import codes_of, write_page
from stead.words.errors import UsageError
from stead.words.kit import Kit, KitPlace

SECRET = new_passphrase()
KIT = Kit(
    id="k-0123abcd",
    made_at="2026-11-23T03:00:00Z",
    host="attic",
    domain="example.org",
    settings='domain = "example.org"\n' * 40,
    places=(
        KitPlace("disk", "/mnt/disk", "pässword-of-disk", {}, "a" * 64),
        KitPlace("cloud", "rest:https://me:sesame@example.net/x", "password-of-cloud", {"A_KEY": "tresor"}, None),
    ),
    secrets={"ca.key": "c2VjcmV0"},
    keys={"stead.private": "PRIVATE"},
    program={"version": "0.1.0"},
)
HIDDEN = ("pässword", "password-of", "sesame", "tresor", "PRIVATE", "c2VjcmV0", SECRET)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_kit(KIT, SECRET, tmp_path_factory.mktemp("kit"))


def test_it_opens_and_is_for_its_owner_only(written: Path) -> None:
    assert open_kit(written, SECRET) == KIT
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert "example.org" in written.name and "2026-11-23" in written.name
    assert not any(word in written.read_text() for word in HIDDEN)


def test_any_program_of_the_format_opens_it_and_reads_plain_json(written: Path) -> None:
    content = json.loads(passphrase.decrypt(written.read_bytes(), SECRET))
    assert content["places"][0]["password"] == "pässword-of-disk"


def test_another_passphrase_does_not_open_it(written: Path) -> None:
    with pytest.raises(UsageError, match="does not open") as refused:
        open_kit(written, new_passphrase())
    assert "passphrase is right" in (refused.value.hint or "")


@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "other"])
def test_a_damaged_file_is_said_to_be_one(written: Path, tmp_path: Path, harm: str) -> None:
    text = written.read_text()
    middle = text[len(text) // 2]
    bad = {
        "flip": text[: len(text) // 2] + ("A" if middle != "A" else "B") + text[len(text) // 2 + 1 :],
        "cut": text[: len(text) // 2],
        "empty": "",
        "other": "a letter to grandmother",
    }[harm]
    file = tmp_path / "bad.age"
    file.write_text(bad)
    with pytest.raises(UsageError, match=r"does not open|is no kit"):
        open_kit(file, SECRET)


def test_what_is_far_too_large_is_not_even_read(tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as out:
        out.truncate(1 << 33)
    with pytest.raises(UsageError, match="too large"):
        open_kit(file, SECRET)


def test_a_kit_of_a_newer_program_is_said_to_be_one(tmp_path: Path) -> None:
    file = tmp_path / "new.age"
    file.write_bytes(passphrase.encrypt(json.dumps({**KIT.to_json(), "schema": 9}).encode(), SECRET, armored=True))
    with pytest.raises(UsageError, match="not understood"):
        open_kit(file, SECRET)


def test_codes_in_any_order_are_the_kit_again(written: Path, tmp_path: Path) -> None:
    codes = codes_of(KIT, written.read_text())
    assert len(codes) > 1 and max(map(len, codes)) < 1000
    scanned = tmp_path / "scanned.txt"
    scanned.write_text("\n\n".join(reversed(codes)).replace("\n", "\r\n"))
    assert open_kit(scanned, SECRET) == KIT


def test_a_code_that_is_missing_is_named(written: Path, tmp_path: Path) -> None:
    codes = codes_of(KIT, written.read_text())
    scanned = tmp_path / "scanned.txt"
    scanned.write_text("\n".join((codes[0], *codes[2:])))
    with pytest.raises(UsageError, match=f"code 2 of {len(codes)} is missing"):
        open_kit(scanned, SECRET)


def test_codes_of_two_kits_are_not_mixed(written: Path, tmp_path: Path) -> None:
    other = codes_of(replace(KIT, id="k-99999999"), written.read_text())
    scanned = tmp_path / "scanned.txt"
    scanned.write_text("\n".join((codes_of(KIT, written.read_text())[0], other[1])))
    with pytest.raises(UsageError, match="different kits"):
        open_kit(scanned, SECRET)


def test_the_page_says_what_to_do_and_betrays_nothing(written: Path) -> None:
    page, printed = write_page(KIT, written.read_text(), written)
    pdf = " ".join(" ".join(sheet.extract_text() for sheet in PdfReader(printed).pages).split())
    for text in (pdf, page.read_text()):
        assert "stead recover" in text and "example.net" in text and "Debian 12 or 13" in text
        assert not any(word in text for word in HIDDEN)
    assert {stat.S_IMODE(file.stat().st_mode) for file in (page, printed)} == {0o600}
    assert page.read_text().count("<img") == len(codes_of(KIT, written.read_text()))


def test_its_places_can_be_opened_with_nothing_else(tmp_path: Path) -> None:
    disk, cloud = places_of(KIT, tmp_path / "opened")
    assert disk.password_file.read_text().strip() == "pässword-of-disk" and disk.credentials_file is None
    assert cloud.credentials_file is not None and cloud.credentials_file.read_text() == "A_KEY=tresor\n"
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "opened").iterdir()} == {0o600}


def test_weak_passphrases_are_refused_and_made_ones_are_not() -> None:
    for weak in ("", "secret", "aaaaaaaaaaaaaaaaaaaaaaaa", "password12"):
        with pytest.raises(UsageError, match="too easy"):
            refuse_weak(weak)
    refuse_weak(new_passphrase())
    refuse_weak("four odd words together")
    assert len({new_passphrase() for _ in range(50)}) == 50
