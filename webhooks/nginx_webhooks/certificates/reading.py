"""Certificates that somebody else may have written: whatever is wrong with them is one kind of error."""

from typing import Final

from cryptography import x509
from cryptography.exceptions import InternalError, UnsupportedAlgorithm

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


def certificates(text: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM text: one at least.

    Raises:
        ValueError: there is none, or one that cannot be read.
    """
    try:
        return x509.load_pem_x509_certificates(text)
    except UNREADABLE as error:
        raise ValueError(str(error) or type(error).__name__) from error
