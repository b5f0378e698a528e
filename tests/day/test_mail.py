"""A day's mail: it comes in, is read on two devices, answered, filed, found again."""

from __future__ import annotations

import time
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

from tests.rig.programs import Programs
from tests.rig.server import Server

_WAIT = 30.0


def letter(sender: str, to: str, subject: str, body: str = "How are you?") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = f"<{uuid4()}@example.org>"
    message["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
    message.set_content(body)
    return message


def wait_for_subject(server: Server, name: str, subject: str, mailbox: str = "INBOX") -> bytes:
    """The message of this subject as IMAP gives it."""
    until = time.monotonic() + _WAIT
    with server.imap(name) as imap:
        while time.monotonic() < until:
            imap.select(mailbox, readonly=True)
            numbers = imap.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
            if numbers:
                data = imap.fetch(numbers[-1].decode(), "(BODY.PEEK[])")[1]
                assert isinstance(data[0], tuple)
                return bytes(data[0][1])
            time.sleep(0.2)
    raise AssertionError(f"{subject!r} did not reach {name}'s {mailbox} within {_WAIT:.0f} s")


def test_mail_from_a_stranger_reaches_the_inbox_and_a_second_device(
    live: Server, programs: Programs, tmp_path: Path
) -> None:
    subject = f"from afar {uuid4().hex}"
    message = letter("zoe@example.org", f"alice@{live.domain}", subject)
    with live.inbound() as smtp:
        smtp.send_message(message)
    wait_for_subject(live, "alice", subject)
    programs.mbsync("alice", tmp_path / "laptop")
    assert any(subject.encode() in file.read_bytes() for file in (tmp_path / "laptop/INBOX").glob("*/*"))


def test_alice_writes_to_bob_and_he_answers(live: Server) -> None:
    subject = f"lunch {uuid4().hex}"
    with live.submission("alice") as smtp:
        smtp.send_message(letter(f"alice@{live.domain}", f"bob@{live.domain}", subject))
    received = wait_for_subject(live, "bob", subject)
    assert b"DKIM-Signature" in received or b"dkim" in received.lower(), "mail of ours carries our signature"
    with live.submission("bob") as smtp:
        smtp.send_message(letter(f"bob@{live.domain}", f"alice@{live.domain}", f"Re: {subject}"))
    wait_for_subject(live, "alice", f"Re: {subject}")


def test_two_devices_agree_on_flags_folders_and_deletions(live: Server, programs: Programs, tmp_path: Path) -> None:
    subject = f"to be filed {uuid4().hex}"
    with live.submission("alice") as smtp:
        smtp.send_message(letter(f"alice@{live.domain}", f"bob@{live.domain}", subject))
    wait_for_subject(live, "bob", subject)
    laptop = tmp_path / "bob-laptop"
    programs.mbsync("bob", laptop)
    found = next(file for file in (laptop / "INBOX").glob("*/*") if subject.encode() in file.read_bytes())
    name = found.name.partition(":")[0]
    seen = found.rename(laptop / "INBOX/cur" / f"{name}:2,FS")
    programs.mbsync("bob", laptop)
    with live.imap("bob") as imap:
        imap.select("INBOX")
        flagged = imap.search(None, "FLAGGED", "SEEN", "SUBJECT", f'"{subject}"')[1][0].split()
        assert len(flagged) == 1, "flags set on the laptop are on the server"
        imap.store(flagged[0].decode(), "+FLAGS", r"(\Deleted)")
        imap.expunge()
    programs.mbsync("bob", laptop)
    assert not seen.exists() and not any(
        subject.encode() in file.read_bytes() for file in (laptop / "INBOX").glob("*/*")
    ), "what was deleted on the telephone is gone from the laptop"


def test_a_wrong_password_opens_nothing(live: Server) -> None:
    import imaplib

    at = live.endpoint("imaps")
    with imaplib.IMAP4_SSL("localhost", at.port, ssl_context=live.tls(), timeout=30) as imap:
        try:
            imap.login("alice", "not her password")
        except imaplib.IMAP4.error as refused:
            assert b"AUTHENTICATIONFAILED" in refused.args[0]
        else:
            raise AssertionError("a wrong password was accepted")
