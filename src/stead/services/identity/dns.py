"""The DNS records a public domain needs, each with its reason. Printed for the owner; nothing here asks DNS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from stead.services.identity.dkim import SELECTOR


@dataclass(frozen=True)
class DnsRecord:
    """One record to set. ``name`` is whole, without the last dot; ``why`` is for the owner."""

    name: str
    type: str
    value: str
    why: str


def records(
    domain: str, addresses: tuple[str, ...], dkim_txt: str, relay_host: str | None = None
) -> tuple[DnsRecord, ...]:
    """All records for ``domain`` served from ``addresses`` (IPv4 and IPv6), mail signed with the key ``dkim_txt``.

    With ``relay_host`` outgoing mail leaves through the owner's relay, which must be allowed to send for the domain.
    """
    host = f"mail.{domain}"
    return (*_places(domain, host, addresses), *_mail(domain, host, dkim_txt, relay_host), *_discovery(domain, host))


def _places(domain: str, host: str, addresses: tuple[str, ...]) -> Iterator[DnsRecord]:
    for address in addresses:
        kind = "AAAA" if ip_address(address).version == 6 else "A"
        yield DnsRecord(host, kind, address, "where the server is")
        yield DnsRecord(domain, kind, address, "the web page without a www")
    for address in addresses:
        yield DnsRecord(
            ip_address(address).reverse_pointer,
            "PTR",
            f"{host}.",
            "set by whoever gave you the address; without it many refuse your mail",
        )
    for name, why in (
        ("www", "the web page"),
        ("autoconfig", "mail programs find their settings"),
        ("mta-sts", "where others read that mail to you must be encrypted"),
    ):
        yield DnsRecord(f"{name}.{domain}", "CNAME", f"{host}.", why)
    yield DnsRecord(domain, "CAA", '0 issue "letsencrypt.org"', "only this authority may give certificates for you")


def _mail(domain: str, host: str, dkim_txt: str, relay_host: str | None) -> Iterator[DnsRecord]:
    relay = f" a:{relay_host}" if relay_host else ""
    ending = "~all" if relay_host else "-all"
    yield DnsRecord(domain, "MX", f"10 {host}.", "mail for the domain comes here")
    yield DnsRecord(domain, "TXT", f"v=spf1 mx{relay} {ending}", "who may send mail in your name (SPF)")
    yield DnsRecord(host, "TXT", "v=spf1 a -all", "the same for the server's own name, used in its greeting")
    yield DnsRecord(f"{SELECTOR}._domainkey.{domain}", "TXT", dkim_txt, "the key that proves your mail is yours (DKIM)")
    yield DnsRecord(
        f"_dmarc.{domain}",
        "TXT",
        f"v=DMARC1; p=quarantine; rua=mailto:dmarc@{domain}",
        "what others do with mail that only claims to be yours (DMARC)",
    )
    yield DnsRecord(f"_mta-sts.{domain}", "TXT", f"v=STSv1; id={POLICY_ID}", "says that there is an encryption policy")
    yield DnsRecord(
        f"_smtp._tls.{domain}",
        "TXT",
        f"v=TLSRPTv1; rua=mailto:tls-reports@{domain}",
        "others report when encryption to you failed",
    )


#: Must change whenever :func:`policy` does: senders read the policy again only when the record's id is new.
POLICY_ID = "20260101000000"


def policy(hostname: str) -> str:
    """The MTA-STS policy (RFC 8461): mail to us only encrypted, and only to the certified host."""
    return f"version: STSv1\r\nmode: enforce\r\nmx: {hostname}\r\nmax_age: 604800\r\n"


def _discovery(domain: str, host: str) -> Iterator[DnsRecord]:
    for service, port, why in (
        ("_imaps", 993, "mail programs find where to read"),
        ("_submissions", 465, "mail programs find where to send"),
        ("_sieve", 4190, "mail programs find the filter rules"),
        ("_caldavs", 443, "calendars are found by the mail address"),
        ("_carddavs", 443, "contacts are found by the mail address"),
    ):
        yield DnsRecord(f"{service}._tcp.{domain}", "SRV", f"0 1 {port} {host}.", why)
        if service in ("_caldavs", "_carddavs"):
            yield DnsRecord(f"{service}._tcp.{domain}", "TXT", "path=/calendar/", "the path on that server")
    for service in ("_imap", "_pop3"):
        yield DnsRecord(f"{service}._tcp.{domain}", "SRV", "0 0 0 .", "not offered: only encrypted from the first byte")
