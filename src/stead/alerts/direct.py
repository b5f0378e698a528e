"""Mail straight to the recipient's servers, past our own: run as ``python -m stead.alerts.direct``.

The servers of a domain are its MX records in order of preference, else its own address (RFC 5321, section 5.1). TLS is
used where it is offered (RFC 3207) and not insisted on: an alarm that can be read on the way beats none.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401  (these are loaded now: after giving up root Python may be unreadable)
import signal
import smtplib
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any

import dns.rdtypes.ANY.CNAME
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.OPT
import dns.rdtypes.ANY.SOA
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.resolver

from stead.alerts.errand import NotSent, run_errand

_DNS_LIMIT = 5.0
_SERVER_LIMIT = 9.0
#: All of them together; the parent ends the process a little later.
LIMIT = 36.0
_SERVERS, _ADDRESSES = 6, 3


@dataclass(frozen=True)
class _Mail:
    """One message, who it is from and for, and how servers are spoken to."""

    message: EmailMessage
    sender: str
    address: str
    helo: str
    port: int
    tls: ssl.SSLContext


def prepare(*, resolver: list[object] | None, **job: Any) -> Callable[[], str]:
    """Make the message; what is returned finds the servers and hands it over.

    ``resolver``: host and port of a name server (None: the computer's own). ``job``: address, sender, helo, port, and
    the message's title and body.
    """
    names = dns.resolver.Resolver(configure=resolver is None)
    if resolver is not None:
        names.nameservers, names.port = [str(resolver[0])], int(str(resolver[1]))
    names.lifetime, names.timeout = _DNS_LIMIT, 2.0
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    title, body = job.pop("title"), job.pop("body")
    message = _message(title, body, job["sender"], job["address"], job["helo"])
    return lambda: _send(names, _Mail(message=message, tls=tls, **job))


def _message(title: str, body: str, sender: str, address: str, helo: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"Stead <{sender}>"
    message["To"] = address
    message["Subject"] = title
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=helo)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    return message


def _send(names: dns.resolver.Resolver, mail: _Mail) -> str:
    until = time.monotonic() + LIMIT
    troubles: list[str] = []
    for server in _servers(names, mail.address.rpartition("@")[2]):
        for number in _addresses(names, server):
            for tls in (True, False):
                left = until - time.monotonic()
                if left < 1:
                    raise NotSent("; ".join(dict.fromkeys(troubles)) or "the time was over")
                try:
                    with _at_most(min(left, _SERVER_LIMIT)):
                        _hand_over(mail, number, tls=tls)
                    return f"taken by {server}" + ("" if tls else ", without TLS")
                except (OSError, smtplib.SMTPException, ValueError) as trouble:
                    troubles.append(f"{server}: {_words(trouble)}")
                    if not isinstance(trouble, ssl.SSLError):
                        break
    raise NotSent("; ".join(dict.fromkeys(troubles)) or "its domain's servers have no address")


def _servers(names: dns.resolver.Resolver, domain: str) -> list[str]:
    """The domain's mail servers, best first."""
    try:
        answer = names.resolve(domain, "MX")
    except dns.resolver.NoAnswer:
        return [domain]
    except dns.resolver.NXDOMAIN:
        raise NotSent(f"there is no domain {domain}") from None
    except Exception as trouble:
        raise NotSent(f"the name servers did not say who takes mail for {domain} ({type(trouble).__name__})") from None
    found = sorted((record.preference, record.exchange.to_text(omit_final_dot=True)) for record in answer)
    if [name for _, name in found] == ["."]:  # RFC 7505
        raise NotSent(f"{domain} says that it takes no mail")
    return [name for _, name in found][:_SERVERS]


def _addresses(names: dns.resolver.Resolver, server: str) -> list[str]:
    """IPv4 first: many servers refuse IPv6 from an address without a name of its own."""
    found: list[str] = []
    for kind in ("A", "AAAA"):
        try:
            found += [record.to_text() for record in names.resolve(server, kind)]
        except Exception:  # the other kind, or the next server, may do
            continue
    return found[:_ADDRESSES]


def _hand_over(mail: _Mail, number: str, *, tls: bool) -> None:
    with smtplib.SMTP(number, mail.port, local_hostname=mail.helo, timeout=_SERVER_LIMIT) as server:
        server.ehlo_or_helo_if_needed()
        if tls and server.has_extn("starttls"):
            server.starttls(context=mail.tls)
        server.send_message(mail.message, mail.sender, [mail.address])


def _words(trouble: Exception) -> str:
    """What a server said, without a recipient's address around it."""
    if isinstance(trouble, smtplib.SMTPRecipientsRefused):
        code, refusal = next(iter(trouble.recipients.values()))
        return f"{code} {refusal.decode(errors='replace')}"
    if isinstance(trouble, smtplib.SMTPResponseException):
        said = trouble.smtp_error
        return f"{trouble.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    return str(trouble) or type(trouble).__name__


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """End the body after ``seconds``, however slowly a server drips its answers."""

    def over(*_: object) -> None:
        raise TimeoutError("it answers too slowly")

    signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    run_errand(prepare)
