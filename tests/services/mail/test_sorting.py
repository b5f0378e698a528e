"""Spam, mail rules and full mailboxes."""

from __future__ import annotations

import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from time import monotonic, sleep
from typing import BinaryIO, Protocol

import pytest

from stead import machine
from stead.probes.sink import sink
from stead.rehearsal.assemble import SINK_PORT
from tests.rig.server import Server
from tests.services.mail.correspondence import letter, raw, send_in, wait_for

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def test_spam_goes_to_junk_and_is_never_lost(live: Server) -> None:
    to = f"bob@{live.domain}"
    message, subject = letter(to, text=f"Buy this.\n{GTUBE}\n")
    send_in(live, message, to)
    with live.imap("bob") as link:
        uid = wait_for(link, subject, mailbox="Junk")
        assert uid
        assert b"X-Spam: Yes" in raw(link, uid)
        assert wait_for(link, subject, within=0.2) is None


def test_the_households_own_mail_is_not_judged(live: Server) -> None:
    to = f"bob@{live.domain}"
    message, subject = letter(to, sender=f"alice@{live.domain}", text=f"This is what they test with:\n{GTUBE}\n")
    with live.submission("alice") as link:
        link.send_message(message, f"alice@{live.domain}", [to])
    with live.imap("bob") as box:
        assert wait_for(box, subject)


def test_moving_mail_teaches_the_filter(live: Server) -> None:
    to = f"bob@{live.domain}"
    message, subject = letter(to, text="Cheap watches and certain winnings for everybody who answers today. " * 5)
    send_in(live, message, to)
    spam, ham = _learnt(live)
    with live.imap("bob") as link:
        uid = wait_for(link, subject)
        assert uid
        assert link.uid("MOVE", uid.decode(), "Junk")[0] == "OK"
        assert _until_learnt(live, (spam + 1, ham)) == (spam + 1, ham)
        uid = wait_for(link, subject, mailbox="Junk")
        assert uid
        assert link.uid("MOVE", uid.decode(), "INBOX")[0] == "OK"
        # The same message learnt the other way round is unlearnt first.
        assert _until_learnt(live, (spam, ham + 1)) == (spam, ham + 1)


def test_rules_of_ones_own(live: Server) -> None:
    to = f"bob@{live.domain}"
    with _sieve(live, "bob") as rules:
        rules(
            'PUTSCRIPT "t" {%d+}', 'require ["fileinto"]; if header :contains "subject" "letter" {fileinto "Archive";}'
        )
        rules('SETACTIVE "t"')
    try:
        message, subject = letter(to)
        send_in(live, message, to)
        with live.imap("bob") as link:
            assert wait_for(link, subject, mailbox="Archive")
    finally:
        with _sieve(live, "bob") as rules:
            rules('SETACTIVE ""')
            rules('DELETESCRIPT "t"')


def test_rules_can_send_mail_on_and_answer(live: Server) -> None:
    to, asker = f"bob@{live.domain}", f"asker-{token_hex(4)}@sink.invalid"
    script = 'require ["vacation","copy"]; redirect :copy "elsewhere@sink.invalid"; vacation :days 1 "I am away.";'
    with _sieve(live, "bob") as rules:
        rules('PUTSCRIPT "t" {%d+}', script)
        rules('SETACTIVE "t"')
    try:
        message, subject = letter(to, sender=asker)
        with sink(live.machine.outside, SINK_PORT) as arrived:
            send_in(live, message, to, sender=asker)
            assert arrived.wait(subject.encode(), 10)
            assert arrived.wait(b"I am away.", 10)
    finally:
        with _sieve(live, "bob") as rules:
            rules('SETACTIVE ""')
            rules('DELETESCRIPT "t"')


class Command(Protocol):
    """Sends one command, with a script where ``%d`` stands for its length, and expects OK."""

    def __call__(self, words: str, script: str = "") -> None: ...


def _learnt(live: Server) -> tuple[int, int]:
    """Messages learnt as spam and as ham, from the store itself (the filter's own statistics lag a minute behind)."""
    store = ["redis-cli", "-s", "/run/redis/redis.sock", "hget", "RS"]
    spam, ham = (machine.ask(live.machine, [*store, field]).text.strip() for field in ("learns_spam", "learns_ham"))
    return int(spam or 0), int(ham or 0)


def _until_learnt(live: Server, wanted: tuple[int, int]) -> tuple[int, int]:
    deadline = monotonic() + 15
    while (now := _learnt(live)) != wanted and monotonic() < deadline:
        sleep(0.3)
    return now


@contextmanager
def _sieve(live: Server, name: str) -> Iterator[Command]:
    """A ManageSieve session: ``rules(command, script)`` sends one command and expects OK."""
    at = live.endpoint("sieve")
    with socket.create_connection(("localhost", at.port), 30) as plain:
        lines = plain.makefile("rb")
        _read_answer(lines)
        plain.sendall(b"STARTTLS\r\n")
        _read_answer(lines)
        with live.tls().wrap_socket(plain, server_hostname="localhost") as link:
            lines = link.makefile("rb")
            _read_answer(lines)
            word = b64encode(f"\0{name}\0{live.people[name]}".encode()).decode()
            link.sendall(f'AUTHENTICATE "PLAIN" "{word}"\r\n'.encode())
            _read_answer(lines)

            def command(words: str, script: str = "") -> None:
                body = words % len(script) + "\r\n" + script if script else words
                link.sendall(body.encode() + b"\r\n")
                _read_answer(lines)

            try:
                yield command
            finally:
                command("LOGOUT")


def _read_answer(lines: BinaryIO) -> None:
    for line in iter(lines.readline, b""):
        if line.startswith(b"OK"):
            return
        assert not line.startswith((b"NO", b"BYE")), line
    pytest.fail("the connection ended")


def test_a_full_mailbox_makes_mail_wait(live: Server) -> None:
    to = f"bob@{live.domain}"
    # Dovecot believes the sizes in its own file names: a mailbox can be filled without a disk.
    huge = "/data/mail/home/bob/Maildir/new/1700000000.M1P1.full,S=900000000000,W=900000000000"
    message, subject = letter(to)
    _limit(live, "0 G", "1 G")
    try:
        assert machine.ask(live.machine, ["touch", huge], uid=614).code == 0
        with live.imap("bob") as link:
            link.select("INBOX")
            assert link.append("INBOX", "", "", b"Subject: too much\r\n\r\nHello.\r\n")[0] == "NO"
        send_in(live, message, to)
        deadline = monotonic() + 10
        while "mailbox is full" not in (queue := machine.ask(live.machine, ["postqueue", "-p"]).text):
            assert monotonic() < deadline, queue
            sleep(0.2)
    finally:
        # Its reader may have moved it on from new/.
        machine.ask(live.machine, ["find", "/data/mail/home/bob/Maildir", "-name", "*.full,S=*", "-delete"], uid=614)
        machine.ask(live.machine, ["doveadm", "force-resync", "-u", "bob", "INBOX"])
        _limit(live, "1 G", "0 G")
    assert machine.ask(live.machine, ["postqueue", "-f"]).code == 0
    with live.imap("bob") as link:
        assert wait_for(link, subject)


def _limit(live: Server, before: str, after: str) -> None:
    # The tests' server has no limit; what its root changes in the configuration is gone at the next start.
    change = f"s/^quota_storage_size = {before}$/quota_storage_size = {after}/"
    assert machine.ask(live.machine, ["sed", "-i", change, "/etc/dovecot/dovecot.conf"]).code == 0
    assert machine.ask(live.machine, ["systemctl", "reload", "dovecot"]).code == 0
