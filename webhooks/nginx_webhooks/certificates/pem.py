"""PEM: certificates and keys as text (RFC 7468)."""

from collections.abc import Iterable
from typing import Final

from cryptography import x509
from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

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


def decode_certificates(text: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM text: at least one.

    Raises:
        ValueError: there is none, or one that cannot be read.
    """
    try:
        return x509.load_pem_x509_certificates(text)
    except UNREADABLE as error:
        raise ValueError(str(error) or type(error).__name__) from error


def encode_certificates(certificates: Iterable[x509.Certificate]) -> bytes:
    """Certificates as one PEM text."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def encode_private_key(key: PrivateKeyTypes) -> bytes:
    """An unencrypted PKCS #8 key as PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
