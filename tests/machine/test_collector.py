"""The collector reads hostile bytes: in any pieces, of any size, and writes plain lines in bounded files."""

from __future__ import annotations

import json
import os
import random
import resource
from pathlib import Path

import pytest

from stead.machine import collector
from stead.machine.collector import VALUE_LIMIT, ExportReader, Rotated, as_line, plain
from stead.machine.logs import read_logs
from stead.words.home import Home


def binary(name: bytes, value: bytes, size: int | None = None) -> bytes:
    return name + b"\n" + (len(value) if size is None else size).to_bytes(8, "little") + value + b"\n"


ENTRY = (
    b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1700000000123456\n_SYSTEMD_UNIT=postfix.service\n_UID=610\n"
    b"PRIORITY=6\nOTHER=x\n" + binary(b"MESSAGE", b"two\nlines \x1b[31mred") + b"_EXE=/usr/lib/postfix/sbin/smtpd\n\n"
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 4096])
def test_any_pieces_give_the_same_entries(size: int) -> None:
    reader, data = ExportReader(), ENTRY * 3
    found = [entry for at in range(0, len(data), size) for entry in reader.feed(data[at : at + size])]
    assert len(found) == 3
    line = json.loads(as_line(found[0], 1700000000.5))
    assert line == {
        "time": "2023-11-14T22:13:20.123Z",
        "unit": "postfix.service",
        "uid": 610,
        "exe": "/usr/lib/postfix/sbin/smtpd",
        "priority": 6,
        "message": "two lines  [31mred",
    }


def test_huge_values_are_cut_and_what_follows_is_still_read() -> None:
    reader = ExportReader()
    data = b"MESSAGE=" + b"a" * (10 << 20) + b"\n" + binary(b"_EXE", b"b" * (5 << 20)) + b"\n" + ENTRY
    found = [entry for at in range(0, len(data), 65536) for entry in reader.feed(data[at : at + 65536])]
    assert len(found) == 2
    assert all(len(value) <= VALUE_LIMIT for value in found[0].values())
    assert found[1]["unit"] == b"postfix.service"


def test_a_size_that_never_ends_costs_no_memory() -> None:
    reader = ExportReader()
    list(reader.feed(b"MESSAGE\n" + b"\xff" * 8))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(1000):
        assert not list(reader.feed(b"x" * 65536))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096


def test_noise_breaks_nothing() -> None:
    noise = random.Random(1)
    for _ in range(200):
        reader = ExportReader()
        data = b"".join(noise.choice([noise.randbytes(20), b"\n", b"MESSAGE=", b"_UID\n", ENTRY]) for _ in range(50))
        for entry in reader.feed(data):
            json.loads(as_line(entry, 0.0))


def test_a_clock_far_off_is_not_believed() -> None:
    line = json.loads(as_line({"time": b"99999999999999999", "message": b"x"}, 1700000000.0))
    assert line["time"] == "2023-11-14T22:13:20.000Z"


def test_nothing_that_moves_a_cursor_is_kept() -> None:
    assert plain("a\x1b]0;t\x07b\u202ec\x9b\r\n\x00d\u2028") == "a ]0;t b c d"
    assert plain(b"\xff\xfe ok") == "\ufffd\ufffd ok"


def test_files_are_bounded_and_read_back_in_order(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    folder = home.logs / "live"
    folder.mkdir(parents=True)
    out = Rotated(os.open(folder, os.O_RDONLY), "journal.jsonl", 2000, collector.FILES)
    for number in range(200):
        out.write(as_line({"message": str(number).encode(), "unit": b"u"}, 1.7e9 + number))
    out.write(b'{"cut')
    assert len(list(folder.iterdir())) == collector.FILES
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 2000 * collector.FILES
    numbers = [int(line.message) for line in read_logs(home, "live", unit="u")]
    assert numbers == list(range(numbers[0], 200)) and len(numbers) > 50


def test_links_in_the_log_folder_are_not_followed(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    (home.logs / "live").mkdir(parents=True)
    (home.logs / "live" / "journal.jsonl").symlink_to("/etc/passwd")
    assert list(read_logs(home, "live")) == []
    with pytest.raises(OSError):
        Rotated(os.open(home.logs / "live", os.O_RDONLY), "journal.jsonl", 1, 2)
