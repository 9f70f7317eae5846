"""Whether a certificate is valid: its dates, its path to a trusted CA (RFC 5280), and what Go can read of it."""

from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from nginx_webhooks.certificates.pem import UNREADABLE, decode_certificates

#: The public keys that Go supports (crypto/x509, crypto/tls), and so every API server; OpenSSL supports more.
_CURVES: Final = (ec.SECP224R1, ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_RSA_BITS: Final = 8192


def within_validity(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether `now` is within the validity period."""
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


def renewal_time(certificate: x509.Certificate) -> datetime:
    """When the renewal is due: after two thirds of the validity period, as cert-manager has it."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return start + (end - start) * 2 / 3


def verifies(ca_bundle: bytes, leaf: x509.Certificate, name: str, now: datetime) -> bool:
    """Whether a client that trusts `ca_bundle` (PEM) accepts `leaf` for the DNS name, as the API server will ask."""
    try:
        trust_anchors = Store(decode_certificates(ca_bundle))
        verifier = PolicyBuilder().store(trust_anchors).time(now).build_server_verifier(x509.DNSName(name))
        verifier.verify(leaf, [])
    except (*UNREADABLE, VerificationError):
        return False
    return True


def unsupported_by_go(certificate: x509.Certificate) -> str:
    """Why no API server takes a certificate that OpenSSL may well take; empty if nothing stands against it."""
    if certificate.serial_number < 0:
        return "has a negative serial number, which no API server takes"
    if _has_supported_key(certificate):
        return ""
    return (
        f"has a key that no API server takes; make one of RSA with up to {_RSA_BITS} bits, of ECDSA on P-256, P-384 or "
        "P-521, or of Ed25519"
    )


def _has_supported_key(certificate: x509.Certificate) -> bool:
    try:
        key = certificate.public_key()
    except UNREADABLE:
        return False
    match key:
        case rsa.RSAPublicKey():
            supported = key.key_size <= _RSA_BITS
        case ec.EllipticCurvePublicKey():
            supported = isinstance(key.curve, _CURVES)
        case _:
            supported = isinstance(key, ed25519.Ed25519PublicKey)
    # Go takes one encoding of a key: no RSA that is for PSS alone, no curve by its parameters, no compressed point.
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return supported and encoded in certificate.tbs_certificate_bytes
