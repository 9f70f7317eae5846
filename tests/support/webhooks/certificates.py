"""Certificates as other tools make them."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.x509.oid import NameOID

from nginx_webhooks.certificates.pem import encode_certificates, encode_private_key

#: Of the kind that this project makes, and of one that OpenSSL takes and no API server does.
Key = ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey


@dataclass(frozen=True)
class KeyPair:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return encode_certificates([self.certificate])

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        return encode_private_key(self.key)


def make(
    common_name: str,
    issuer: KeyPair | None = None,
    *,
    names: Sequence[str] = (),
    ca: bool = False,
    start: timedelta = timedelta(hours=-1),
    life: timedelta = timedelta(days=1),
    key: Key | None = None,
) -> KeyPair:
    """A minimal certificate, self-signed unless there is an issuer. `start` is relative to now."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    begin = datetime.now(UTC) + start
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + life)
    )
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
    signs = issuer.key if issuer else key
    return KeyPair(builder.sign(signs, None if isinstance(signs, ed448.Ed448PrivateKey) else hashes.SHA256()), key)


def of_version_5(certificate: bytes) -> bytes:
    """The same certificate (PEM), but with a version that X.509 does not know; no signature is looked at so early."""
    version_3, version_5 = bytes.fromhex("a003020102"), bytes.fromhex("a003020104")
    der = ssl.PEM_cert_to_DER_cert(certificate.decode("ascii")).replace(version_3, version_5, 1)
    return ssl.DER_cert_to_PEM_cert(der).encode("ascii")


def with_negative_serial(certificate: bytes) -> bytes:
    """The same certificate (PEM), its serial number below zero. Its signature is wrong."""
    der = bytearray(ssl.PEM_cert_to_DER_cert(certificate.decode("ascii")))
    serial = der.index(bytes.fromhex("a00302010202")) + 7  # behind the version: an INTEGER, its length, its first byte
    der[serial] = 0x81  # not 0xff, which the next byte might make a longer form than DER allows
    return ssl.DER_cert_to_PEM_cert(bytes(der)).encode("ascii")
