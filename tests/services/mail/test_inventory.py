"""The inventory counts what is there, quickly, and follows no links."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from stead.services.mail.inventory import inventory


def _mail(folder: Path, name: str, content: bytes = b"x") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def test_messages_and_bytes_by_mailbox(tmp_path: Path) -> None:
    maildir = tmp_path / "mail/home/alice/Maildir"
    _mail(maildir / "cur", "1.M1P1.vm,S=100,W=110:2,S")
    _mail(maildir / "new", "2.M1P1.vm,S=50,W=55")
    _mail(maildir / "cur", "3.without-size:2,", b"12345")
    _mail(maildir / "tmp", "4.not-yet,S=999")
    _mail(maildir / ".Archive.2024" / "cur", "5.M1P1.vm,S=7:2,")
    (maildir / ".Junk" / "cur").mkdir(parents=True)
    _mail(maildir / ".no-mailbox", "file")
    counted = inventory(tmp_path, ("alice", "bob"))
    assert counted.totals == {"messages": 4, "bytes": 162}
    assert counted.parts["alice/INBOX"] == 3
    assert counted.parts["alice/INBOX bytes"] == 155
    assert counted.parts["alice/Archive/2024"] == 1
    assert counted.parts["alice/Junk"] == 0
    assert counted.parts["bob/INBOX"] == 0
    assert not any("no-mailbox" in part for part in counted.parts)


def test_links_are_not_followed(tmp_path: Path) -> None:
    _mail(tmp_path / "elsewhere/cur", "1,S=1000000:2,")
    maildir = tmp_path / "mail/home/alice/Maildir"
    maildir.mkdir(parents=True)
    (maildir / ".Linked").symlink_to(tmp_path / "elsewhere")
    (maildir / "cur").symlink_to(tmp_path / "elsewhere/cur")
    (maildir / "new").mkdir()
    (maildir / "new/1,S=5").symlink_to("/etc/passwd")
    (tmp_path / "mail/home/bob").symlink_to(tmp_path / "mail/home/alice")
    assert inventory(tmp_path, ("alice", "bob")).totals == {"messages": 0, "bytes": 0}


def test_forty_thousand_messages_take_no_time(tmp_path: Path) -> None:
    folder = tmp_path / "mail/home/alice/Maildir/cur"
    folder.mkdir(parents=True)
    for number in range(40_000):
        (folder / f"17000{number}.M{number}P1.vm,S=1000,W=1010:2,S").touch()
    began = perf_counter()
    counted = inventory(tmp_path, ("alice",))
    # Half a second is the aim on a computer with nothing else to do.
    assert perf_counter() - began < 2
    assert counted.totals == {"messages": 40_000, "bytes": 40_000_000}
