"""Certificate authorities (CAs) and the leaf certificates that they sign: pure functions of keys and a given time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from nginx_webhooks.certificates.pem import UNREADABLE, encode_certificates, encode_private_key
from nginx_webhooks.certificates.validation import verifies

CA_LIFETIME: Final = timedelta(days=365)
LEAF_LIFETIME: Final = timedelta(days=7)
#: Certificates are valid from this long ago: the clocks of replicas and API servers may differ by as much.
BACKDATE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CertificateAuthority:
    """A CA certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class LeafCertificate:
    """A server certificate, and the same with its key as PEM."""

    certificate: x509.Certificate
    certificate_pem: bytes
    key_pem: bytes


def server_names(service: str, namespace: str) -> tuple[str, ...]:
    """The DNS names of a Service. The API server asks for the first one."""
    return f"{service}.{namespace}.svc", f"{service}.{namespace}", f"{service}.{namespace}.svc.cluster.local"


def create(now: datetime, *, lifetime: timedelta = CA_LIFETIME) -> CertificateAuthority:
    """A new self-signed CA. It may sign leaf certificates only (path length 0)."""
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    # A name of its own, so that verifiers which look an issuer up by name never try the wrong key.
    name = _name(f"nginx-operator-webhooks CA {serial:040x}"[:64])
    certificate = (
        _builder(name, name, key.public_key(), serial, now, now + lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return CertificateAuthority(certificate, key)


def issue(
    ca: CertificateAuthority, names: Sequence[str], now: datetime, *, lifetime: timedelta = LEAF_LIFETIME
) -> LeafCertificate:
    """A new leaf certificate for these DNS names. It does not outlive its CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    end = min(now + lifetime, ca.certificate.not_valid_after_utc)
    issuer = ca.certificate
    certificate = (
        _builder(issuer.subject, _name("nginx-webhooks"), key.public_key(), x509.random_serial_number(), now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), critical=False)
        .sign(ca.key, hashes.SHA256())
    )
    return LeafCertificate(certificate, encode_certificates([certificate]), encode_private_key(key))


def can_sign(ca: CertificateAuthority) -> bool:
    """Whether clients that trust this CA accept what it signs, dates aside: shown by a leaf certificate of its own."""
    start, end = ca.certificate.not_valid_before_utc, ca.certificate.not_valid_after_utc
    halfway = start + (end - start) / 2
    try:
        leaf = issue(ca, ("webhooks.example",), halfway)
    except UNREADABLE:  # or dates that leave no room for a leaf
        return False
    return verifies(encode_certificates([ca.certificate]), leaf.certificate, "webhooks.example", halfway)


def _builder(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePublicKey, serial: int, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before((now - BACKDATE).astimezone(UTC))
        .not_valid_after(end.astimezone(UTC))
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
