"""Mail straight to the recipient's servers: a real name server and real mail servers on loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from stead.alerts.message import Message
from stead.alerts.sending import Outcome, send
from tests.alerts import far
from tests.alerts.conftest import wanted

#: Each message is a process of its own.
pytestmark = pytest.mark.waits

MESSAGE = Message("alarm", "Stead example.org: ein Prüfstück", "Grüße.\n.\nnext: make room\n")
NAMES = {
    ("friend.example", "MX"): ["20 second.example.", "10 first.example."],
    ("first.example", "A"): ["127.0.0.1"],
    ("second.example", "A"): ["127.0.0.2"],
    ("plain.example", "A"): ["127.0.0.2"],
    ("silent.example", "MX"): ["0 ."],
    ("broken.example", "MX"): ["SERVFAIL"],
    ("lost.example", "MX"): ["10 nowhere.example."],
}


class Far:
    """Two mail servers at one port of two addresses, and the name server that knows them."""

    def __init__(self, stack: ExitStack) -> None:
        self.port = far.free_port("127.0.0.1", "127.0.0.2")
        self.first = stack.enter_context(far.mail_server("127.0.0.1", self.port))
        self.second = stack.enter_context(far.mail_server("127.0.0.2", self.port))
        self.names = stack.enter_context(far.names(NAMES))

    def send(self, address: str = "me@friend.example") -> Outcome:
        wishes = wanted(f"mailto:{address}", resolver=self.names, mail_port=self.port)
        (outcome,) = send({way.name: MESSAGE for way in wishes.ways}, wishes)
        return outcome


@pytest.fixture
def servers() -> Iterator[Far]:
    with ExitStack() as stack:
        yield Far(stack)


def test_it_goes_to_the_best_server_of_the_domain(servers: Far) -> None:
    outcome = servers.send()
    assert outcome.good and outcome.detail == "taken by first.example"
    (mail,) = servers.first.got
    assert servers.first.envelopes == [("alerts@example.org", "me@friend.example")] and not servers.second.got
    assert mail["Subject"] == MESSAGE.title and mail["Auto-Submitted"] == "auto-generated"
    assert "Grüße." in mail.get_content() and "next: make room" in mail.get_content()


@pytest.mark.parametrize("greeting", [b"421 busy", b"554 not you"])
def test_another_server_is_tried_when_one_refuses(servers: Far, greeting: bytes) -> None:
    servers.first.greeting = greeting
    assert servers.send().detail == "taken by second.example" and len(servers.second.got) == 1


def test_a_server_that_drips_does_not_stop_the_next(servers: Far) -> None:
    servers.first.drip = 0.9
    began = time.monotonic()
    assert servers.send().detail == "taken by second.example"
    assert time.monotonic() - began < 15


def test_without_mx_the_domain_itself_takes_it(servers: Far) -> None:
    assert servers.send("me@plain.example").good and len(servers.second.got) == 1


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("me@silent.example", "takes no mail"),
        ("me@broken.example", "did not say who takes mail"),
        ("me@none.example", "there is no domain"),
        ("me@lost.example", "have no address"),
    ],
)
def test_why_it_did_not_go_is_said(servers: Far, address: str, words: str) -> None:
    outcome = servers.send(address)
    assert not outcome.good and words in outcome.detail


def test_a_refusal_is_told_in_the_servers_words_without_the_address(servers: Far) -> None:
    servers.first.rcpt = servers.second.rcpt = b"550 5.1.1 no such person"
    outcome = servers.send("geheim@friend.example")
    assert not outcome.good and "550 5.1.1 no such person" in outcome.detail and "geheim" not in outcome.detail


def test_tls_is_used_where_it_is_offered_and_left_where_it_breaks(servers: Far, tmp_path: Path) -> None:
    _, servers.first.tls = far.certificate(tmp_path, "127.0.0.9")
    assert servers.send().good and servers.first.encrypted == [True]
    servers.first.breaks_tls = True
    outcome = servers.send()
    assert outcome.good and outcome.detail == "taken by first.example, without TLS"
    assert servers.first.encrypted == [True, False]


def test_nobody_listens(servers: Far) -> None:
    wishes = wanted(
        "mailto:me@friend.example", resolver=servers.names, mail_port=far.free_port("127.0.0.1", "127.0.0.2")
    )
    (outcome,) = send({way.name: MESSAGE for way in wishes.ways}, wishes)
    assert not outcome.good and "refused" in outcome.detail
