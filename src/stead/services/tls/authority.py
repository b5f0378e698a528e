"""A certificate authority of the server's own, bound to its names, and the certificate it gives.

Used in local mode, and in public mode until (or whenever) ACME has no valid certificate. The authority's certificate
carries critical name constraints: should its key leak, nobody can pose as anyone but this server with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stead.services.tls.certificate import ISSUER

_CA_LASTS = timedelta(days=20 * 365)
_LEAF_LASTS = timedelta(days=396)
_RENEW_BEFORE = timedelta(days=30)
_SKEW = timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """A private key and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def read(cls, pem: bytes) -> Pair | None:
        """The pair in one PEM text, or None if it is damaged or the two do not belong together."""
        try:
            key = serialization.load_pem_private_key(pem, password=None)
            certificate = x509.load_pem_x509_certificate(pem)
        except ValueError:
            return None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            return None
        return cls(key, certificate)

    def written(self) -> bytes:
        """Certificate and key as one PEM text, so that both are replaced by one rename."""
        private = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self.public() + private

    def public(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def make_authority(names: Sequence[str], now: datetime) -> Pair:
    """A new authority that can only certify ``names`` and names below them."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(f"{ISSUER} {names[0]}", f"{ISSUER} {x509.random_serial_number():x}")
    builder = (
        _begin(key, subject, subject, now, _CA_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=_subtrees(names), excluded_subtrees=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    return Pair(key, builder.sign(key, hashes.SHA256()))


def issue(authority: Pair, names: Sequence[str], now: datetime) -> Pair:
    """A server certificate for all ``names`` (the first is the main one), with a new key."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _begin(key, _subject(names[0], names[-1]), authority.certificate.subject, now, _LEAF_LASTS)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    return Pair(key, builder.sign(authority.key, hashes.SHA256()))


def serves(authority: Pair, names: Sequence[str], now: datetime) -> bool:
    """Whether the authority may certify exactly these names, and will outlive a certificate given now."""
    constraints = authority.certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    return (
        constraints.permitted_subtrees == _subtrees(names)
        and authority.certificate.not_valid_after_utc > now + _LEAF_LASTS
    )


def is_good(leaf: Pair, authority: Pair, names: Sequence[str], now: datetime) -> bool:
    """Whether a certificate is the authority's, is for these names, and need not be renewed yet."""
    try:
        leaf.certificate.verify_directly_issued_by(authority.certificate)
        found = leaf.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    begins, ends = leaf.certificate.not_valid_before_utc, leaf.certificate.not_valid_after_utc
    return list(found) == [_general(name) for name in names] and begins <= now < ends - _RENEW_BEFORE


def _begin(
    key: ec.EllipticCurvePrivateKey, subject: x509.Name, issuer: x509.Name, now: datetime, lasts: timedelta
) -> x509.CertificateBuilder:
    # It begins a day ago, for clients whose clocks are slow.
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now - _SKEW + lasts)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _subject(name: str, short: str) -> x509.Name:
    # A common name has at most 64 characters (X.520); the alternative names are what clients check.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name if len(name) <= 64 else short)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _subtrees(names: Sequence[str]) -> list[x509.GeneralName]:
    """The smallest list of names that allows all of ``names``: a name below another needs no entry of its own."""
    subtrees: list[x509.GeneralName] = []
    for name in sorted(names):
        try:
            subtrees.append(x509.IPAddress(ip_network(name)))
        except ValueError:
            if not any(name.endswith("." + other) for other in names):
                subtrees.append(x509.DNSName(name))
    return subtrees
