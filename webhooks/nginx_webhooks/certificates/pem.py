"""Certificates that somebody else may have written: whatever is wrong with them is one kind of error."""

from typing import Final

from cryptography import x509
from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

#: All that cryptography raises, at loading or at the first look at a part, for a certificate or a key that it cannot
#: read. Only the first is a ValueError: InvalidVersion and the two about extensions derive from Exception itself.
UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    InternalError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)

#: What Go knows of keys, in which API servers are written (crypto/x509, crypto/tls); OpenSSL knows more.
_CURVES: Final = (ec.SECP224R1, ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_RSA_BITS: Final = 8192


def certificates(text: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM text: one at least.

    Raises:
        ValueError: there is none, or one that cannot be read.
    """
    try:
        return x509.load_pem_x509_certificates(text)
    except UNREADABLE as error:
        raise ValueError(str(error) or type(error).__name__) from error


def foreign_to_go(certificate: x509.Certificate) -> str:
    """Why no API server takes a certificate that OpenSSL may well take; empty if nothing stands against it."""
    if certificate.serial_number < 0:
        return "has a negative serial number, which no API server takes"
    if _has_known_key(certificate):
        return ""
    return (
        f"has a key that no API server takes; make one of RSA with up to {_RSA_BITS} bits, of ECDSA on P-256, P-384 or "
        "P-521, or of Ed25519"
    )


def _has_known_key(certificate: x509.Certificate) -> bool:
    try:
        key = certificate.public_key()
    except UNREADABLE:
        return False
    match key:
        case rsa.RSAPublicKey():
            known = key.key_size <= _RSA_BITS
        case ec.EllipticCurvePublicKey():
            known = isinstance(key.curve, _CURVES)
        case _:
            known = isinstance(key, ed25519.Ed25519PublicKey)
    # Go takes one way to write a key: no RSA that is for PSS alone, no curve by its parameters, no compressed point.
    written = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return known and written in certificate.tbs_certificate_bytes
