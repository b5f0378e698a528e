"""1,000 mails come in while backups run and flags change: what was acknowledged before a backup is in its drill."""

from __future__ import annotations

import imaplib
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stead import live
from stead.backup import mount_cold
from stead.live import Saving
from stead.rehearsal import drill
from stead.rehearsal.known import places, restic_program
from stead.words.progress import Silent
from stead.words.verdict import Verdict
from tests.rig.load import Acknowledged, changing_flags, found_in, lost, send
from tests.rig.server import Server

_MAILS = 1000
_SEED = 200
_FLAGS = 200.0


@dataclass
class Backups:
    """Backups made one after the other, each with the moment before it began."""

    server: Server
    made: list[tuple[float, Saving]] = field(default_factory=list)

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            began = time.time()
            (saving,) = live.backup(self.server.home, self.server.settings, Silent())
            self.made.append((began, saving))


def connection(server: Server) -> imaplib.IMAP4:
    at = server.endpoint("imaps")
    imap = imaplib.IMAP4_SSL("localhost", at.port, ssl_context=server.tls(), timeout=60)
    imap.login("alice", server.people["alice"])
    return imap


def wait_for_messages(server: Server, count: int) -> None:
    until = time.monotonic() + 120
    with server.imap("alice") as imap:
        while int(imap.select("INBOX", readonly=True)[1][0] or b"0") < count:
            assert time.monotonic() < until, f"{count} mails did not arrive"
            time.sleep(0.5)


def load(server: Server) -> tuple[list[Acknowledged], Backups, float]:
    """Seed a mailbox, then mails, flags and backups at once."""
    address = f"alice@{server.domain}"
    seeded = send(server.inbound, address, _SEED, name="seed")
    wait_for_messages(server, _SEED)
    backups, stop = Backups(server), threading.Event()
    with changing_flags(lambda: connection(server), _SEED, rate=_FLAGS) as flags:
        thread = threading.Thread(target=backups.run, args=(stop,))
        thread.start()
        sent = send(server.inbound, address, _MAILS)
        stop.set()
        thread.join()
    assert not flags.trouble
    return seeded + sent, backups, flags.rate


def in_the_backup(server: Server, saving: Saving, mountpoint: Path) -> set[str]:
    """The mails a drill of this backup sees."""
    assert saving.snapshot
    (place,) = places(server.home, server.settings)
    with mount_cold(server.home, place, restic_program(server.home), mountpoint) as opened:
        data = opened.data(saving.snapshot)
        return found_in([data / "mail/home/alice/Maildir", data / "mail/queue"])


@pytest.mark.apart
@pytest.mark.timeout(900)
def test_every_acknowledged_mail_is_in_the_drill(fresh_live: Server, tmp_path: Path) -> None:
    sent, backups, rate = load(fresh_live)
    print(f"flags changed {rate:.0f} times a second, {len(backups.made)} backups meanwhile")
    assert rate > _FLAGS / 4, f"flags changed only {rate:.0f} times a second"
    assert len(sent) == _MAILS + _SEED
    assert len(backups.made) >= 2, "backups ran while mails came in"
    for began, saving in backups.made:
        assert saving.verdict is Verdict.PASS, saving.reason
        missing = lost(sent, began, in_the_backup(fresh_live, saving, tmp_path / "mounted"))
        assert not missing, f"acknowledged before the backup began, and not in it: {missing}"
    busiest = backups.made[len(backups.made) // 2][1]
    report = drill(fresh_live.home, fresh_live.settings, Silent(), snapshot=busiest.snapshot)
    assert report.verdict is Verdict.PASS, report.reason
    wait_for_messages(fresh_live, _MAILS + _SEED)
