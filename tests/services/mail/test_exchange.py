"""Mail comes in, goes out and round the house; addresses mean what people think they mean."""

from __future__ import annotations

import imaplib
import os
import smtplib
from email.policy import SMTP
from time import monotonic, sleep

import pytest

from stead import machine
from stead.probes.sink import sink
from stead.rehearsal.assemble import SINK_PORT
from stead.services.identity import Accounts
from tests.rig.server import PASSWORD, Server
from tests.services.mail.correspondence import STRANGER, letter, raw, send_in, wait_for

#: Two seconds are promised; tests run on computers that are busy with other tests.
_AT_ONCE = 5.0


def test_from_outside_to_a_mailbox(live: Server) -> None:
    message, subject = letter(f"alice@{live.domain}")
    send_in(live, message, f"alice@{live.domain}")
    with live.imap("alice") as link:
        uid = wait_for(link, subject)
        assert uid
        text = raw(link, uid)
    # The sender's real address is in the trace, not that of some proxy of ours.
    assert b"from mx.example.org" in text
    assert b"Authentication-Results:" in text
    assert b"X-Spam:" not in text


def test_between_two_people_signed(live: Server) -> None:
    to = f"bob@{live.domain}"
    message, subject = letter(to, sender=f"alice@{live.domain}")
    with live.submission("alice") as link:
        link.send_message(message, f"alice@{live.domain}", [to])
    with live.imap("bob") as box:
        uid = wait_for(box, subject)
        assert uid
        assert b"DKIM-Signature:" in raw(box, uid)


def test_to_outside(live: Server) -> None:
    message, subject = letter("friend@sink.invalid", sender=f"alice@{live.domain}")
    with sink(live.machine.outside, SINK_PORT) as arrived:
        with live.submission("alice") as link:
            link.send_message(message, f"alice@{live.domain}", ["friend@sink.invalid"])
        got = arrived.wait(subject.encode(), 10)
    assert got is not None
    assert f"d={live.domain};".encode() in got.replace(b"\r\n\t", b" ").replace(b" ", b"")


@pytest.mark.parametrize("local", ["alice+shop", "ALICE", "postmaster", "abuse", "hostmaster", "dmarc", "Postmaster"])
def test_addresses_of_the_first_owner(live: Server, local: str) -> None:
    to = f"{local}@{live.domain}"
    message, subject = letter(to)
    send_in(live, message, to)
    with live.imap("alice") as link:
        assert wait_for(link, subject)


def test_login_with_and_without_domain(live: Server) -> None:
    at = live.endpoint("imaps")
    for name in ("alice", f"alice@{live.domain}", "Alice"):
        with imaplib.IMAP4_SSL("localhost", at.port, ssl_context=live.tls(), timeout=30) as link:
            assert link.login(name, PASSWORD)[0] == "OK"


def test_a_new_mailbox_has_the_usual_folders(live: Server) -> None:
    with live.imap("bob") as link:
        _, listed = link.lsub()
        names = {line.rsplit(b" ", 1)[-1].strip(b'"') for line in listed if isinstance(line, bytes)}
        _, special = link.list()
    assert {b"Drafts", b"Sent", b"Junk", b"Trash", b"Archive"} <= names
    flags = b"\n".join(line for line in special if isinstance(line, bytes))
    assert all(flag in flags for flag in (b"\\Drafts", b"\\Sent", b"\\Junk", b"\\Trash", b"\\Archive"))


def test_letters_of_the_whole_world(live: Server) -> None:
    to = f"alice@{live.domain}"
    message, subject = letter(to, text="Grüße aus Köln")
    with live.inbound() as link:
        link.sendmail("jörg@example.org", [to], message.as_bytes(policy=SMTP), ["SMTPUTF8", "BODY=8BITMIME"])
    with live.imap("alice") as box:
        assert wait_for(box, subject)


def test_an_account_works_at_once_and_ends_as_fast(live: Server) -> None:
    accounts = Accounts(live.home.data, live.domain)
    to = f"carol@{live.domain}"
    assert _answer(live, to) == 550
    accounts.add("carol", PASSWORD)
    try:
        assert _until(live, to, 250) < _AT_ONCE
        at = live.endpoint("imaps")
        with imaplib.IMAP4_SSL("localhost", at.port, ssl_context=live.tls(), timeout=30) as link:
            assert link.login("carol", PASSWORD)[0] == "OK"
    finally:
        accounts.remove("carol")
    assert _until(live, to, 550) < _AT_ONCE
    with (
        imaplib.IMAP4_SSL("localhost", at.port, ssl_context=live.tls(), timeout=30) as link,
        pytest.raises(imaplib.IMAP4.error),
    ):
        link.login("carol", PASSWORD)


def test_a_change_that_systemd_did_not_see_is_found_a_moment_later(live: Server) -> None:
    """While the unit of a path runs, changes of the path are forgotten; so each change has a second look after it."""

    def systemctl(*words: str) -> str:
        return machine.ask(live.machine, ["systemctl", *words]).text.strip()

    accounts = Accounts(live.home.data, live.domain)
    to = f"dora@{live.domain}"
    began = systemctl("show", "-P", "ActiveEnterTimestampMonotonic", "stead-mail-accounts.timer")
    accounts.add("dora", PASSWORD)
    assert _until(live, to, 250) < _AT_ONCE
    assert systemctl("show", "-P", "ActiveEnterTimestampMonotonic", "stead-mail-accounts.timer") != began
    systemctl("stop", "stead-mail-accounts.path")
    try:
        # Else the second look after this change sees the next one, too.
        until = monotonic() + 20
        while systemctl("show", "-P", "SubState", "stead-mail-accounts.timer") == "waiting":
            assert monotonic() < until
            sleep(0.2)
        sleep(1)
        # Whoever answers has read the list as it is now: Postfix begins with new processes after each change.
        assert _answer(live, to) == 250
        accounts.remove("dora")
        sleep(3)
        assert _answer(live, to) == 250, "nobody has seen it"
        systemctl("restart", "stead-mail-accounts.timer")
        assert _until(live, to, 550) < _AT_ONCE + 2
    finally:
        systemctl("start", "stead-mail-accounts.path")


def test_a_changed_password_ends_the_old_one(live: Server) -> None:
    accounts = Accounts(live.home.data, live.domain)
    at = live.endpoint("imaps")

    def can_log_in(password: str) -> bool:
        with imaplib.IMAP4_SSL("localhost", at.port, ssl_context=live.tls(), timeout=30) as link:
            try:
                return link.login("bob", password)[0] == "OK"
            except imaplib.IMAP4.error:
                return False

    assert can_log_in(PASSWORD)
    accounts.set_password("bob", "another horse entirely, stapled")
    try:
        sleep(1.5)
        assert can_log_in("another horse entirely, stapled")
        assert not can_log_in(PASSWORD)
    finally:
        accounts.set_password("bob", PASSWORD)


def test_a_sick_filter_means_later_and_nothing_is_lost(live: Server) -> None:
    to = f"alice@{live.domain}"
    message, subject = letter(to)
    try:
        assert machine.ask(live.machine, ["systemctl", "stop", "rspamd"]).code == 0
        with pytest.raises(smtplib.SMTPException) as refused:
            send_in(live, message, to)
        assert "451" in str(refused.value) or "454" in str(refused.value)
    finally:
        assert machine.ask(live.machine, ["systemctl", "start", "rspamd"]).code == 0
    deadline = monotonic() + 30
    while True:
        try:
            send_in(live, message, to)
            break
        except smtplib.SMTPException:
            assert monotonic() < deadline
            sleep(0.5)
    with live.imap("alice") as link:
        assert wait_for(link, subject)


def test_a_sick_mailbox_means_waiting_not_bouncing(live: Server) -> None:
    to = f"alice@{live.domain}"
    message, subject = letter(to)
    try:
        assert machine.ask(live.machine, ["systemctl", "stop", "dovecot"]).code == 0
        send_in(live, message, to)
    finally:
        assert machine.ask(live.machine, ["systemctl", "start", "dovecot"]).code == 0
    assert machine.ask(live.machine, ["postqueue", "-f"]).code == 0
    with live.imap("alice") as link:
        assert wait_for(link, subject, within=40)


@pytest.mark.parametrize("name", ["Maildir/dovecot-uidlist.lock", "Maildir/.Archive/dovecot-uidlist.lock"])
def test_a_lock_of_an_earlier_life_does_not_outlast_a_start(live: Server, name: str) -> None:
    """A power cut or a picture may catch Dovecot holding one, and the process it names runs again after each start."""
    lock = live.home.data / "mail/home/alice" / name
    box = "Archive" if "Archive" in name else "INBOX"

    def appended(link: imaplib.IMAP4) -> str:
        return link.append(box, "", "", b"Subject: locked out?\r\n\r\nNo.\r\n")[0]

    with live.imap("alice") as link:
        assert appended(link) == "OK"
        link.select(box)
        lock.write_text("1:stead-live")
        owner = lock.parent.stat()
        os.chown(lock, owner.st_uid, owner.st_gid)
        assert link.socket().gettimeout()
        link.socket().settimeout(4)
        with pytest.raises(TimeoutError):
            appended(link)
    letters = sorted((lock.parent / "cur").iterdir())
    # Who waits for a lock does not hear a gentler signal. It comes back by itself, after two seconds.
    assert machine.ask(live.machine, ["systemctl", "kill", "--signal=SIGKILL", "dovecot"]).code == 0
    until = monotonic() + 20
    while lock.exists() or machine.ask(live.machine, ["systemctl", "is-active", "dovecot"]).code != 0:
        assert monotonic() < until
        sleep(0.1)
    assert sorted((lock.parent / "cur").iterdir()) == letters
    with live.imap("alice") as link:
        assert appended(link) == "OK"


def _answer(live: Server, to: str) -> int:
    with live.inbound() as link:
        link.ehlo()
        link.mail(STRANGER)
        return link.rcpt(to)[0]


def _until(live: Server, to: str, code: int) -> float:
    began = monotonic()
    while _answer(live, to) != code:
        assert monotonic() - began < 10
        sleep(0.1)
    return monotonic() - began
