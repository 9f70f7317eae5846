"""The certificate that new TLS handshakes present. It is exchanged without a restart and never touches a disk."""

import os
import ssl
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography import x509

from nginx_webhooks.certificates.authority import valid

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time of the machine."""
    return datetime.now(UTC)


class CertificateError(ValueError):
    """A certificate and a key that cannot be served; the text says why."""


class LiveCertificate:
    """The TLS settings of the server. Connections that are open keep the certificate that they began with.

    Args:
        loaded: called after each exchange.
        clock: the time.
    """

    def __init__(self, loaded: Callable[[x509.Certificate], None] = lambda _: None, *, clock: Clock = utc_now) -> None:
        self.context = _context()
        self.certificate: x509.Certificate | None = None
        self._loaded = loaded
        self._clock = clock

    @property
    def valid(self) -> bool:
        """Whether there is a certificate, within its dates."""
        return self.certificate is not None and valid(self.certificate, self._clock())

    def load(self, chain: bytes, key: bytes) -> None:
        """Serves another certificate from now on.

        Args:
            chain: the leaf, and intermediates if there are any, as PEM.
            key: its unencrypted key, as PEM.

        Raises:
            CertificateError: they do not fit, or are malformed. The old certificate is served on.
        """
        try:
            leaf = x509.load_pem_x509_certificates(chain)[0]
            _load(_context(), chain, key)  # a failure half-way would spoil the context in use
            _load(self.context, chain, key)
        except (ValueError, ssl.SSLError) as error:
            raise CertificateError(str(error)) from error
        self.certificate = leaf
        self._loaded(leaf)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _load(context: ssl.SSLContext, chain: bytes, key: bytes) -> None:
    """OpenSSL's loader takes file names only, so it gets one of a file that exists in memory alone."""
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(chain.rstrip() + b"\n" + key)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=_no_password)


def _no_password() -> str:
    """Called for an encrypted key only; without it OpenSSL would ask on the terminal."""
    raise ValueError("the key is encrypted; give an unencrypted one")
