"""The certificate that new TLS handshakes present, and which clients they let in.

Both are exchanged without a restart and never touch a disk.
"""

import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from cryptography import x509

from nginx_webhooks import client_certificates
from nginx_webhooks.certificates.pem import decode_certificates
from nginx_webhooks.certificates.tls_context import CertificateError, ServerTls
from nginx_webhooks.certificates.validation import within_validity

Clock = Callable[[], datetime]

_DEFAULT_TLS: Final = ServerTls()


def utc_now() -> datetime:
    """The time of the machine."""
    return datetime.now(UTC)


class ServingCertificate:
    """The TLS side of the server. Connections that are open keep the certificate that they began with.

    Args:
        on_load: called after each exchange of the certificate.
        clock: the time.
        tls: what is demanded of clients.
        client_verifier: has the last word about a client whose certificate is verified.

    Attributes:
        certificate: the leaf certificate that is served; None until one is loaded.
        context: for the listener.

    Raises:
        CertificateError: there is no certificate in the client CA.
    """

    def __init__(
        self,
        on_load: Callable[[x509.Certificate], None] = lambda _: None,
        *,
        clock: Clock = utc_now,
        tls: ServerTls = _DEFAULT_TLS,
        client_verifier: client_certificates.ClientVerifier = client_certificates.allow_any,
    ) -> None:
        self.certificate: x509.Certificate | None = None
        self._key_pair: tuple[bytes, bytes] | None = None
        self._on_load = on_load
        self._clock = clock
        self._tls = tls
        self._newest = self.context = tls.context()
        # A listener keeps one context for ever, and OpenSSL can add to a context but take nothing away: so each
        # handshake is handed over to the newest one. The callback runs for clients without SNI too.
        self.context.sni_callback = self._use_newest_context
        if tls.client_ca is not None:
            self.context.sslobject_class = _verifying(client_verifier)

    @property
    def valid(self) -> bool:
        """Whether there is a certificate, within its validity period."""
        return self.certificate is not None and within_validity(self.certificate, self._clock())

    def load(self, chain: bytes, key: bytes) -> None:
        """Serves another certificate from now on.

        Args:
            chain: the leaf, and intermediates if there are any, as PEM.
            key: its unencrypted key, as PEM.

        Raises:
            CertificateError: they do not fit, or are malformed. The old certificate is served on.
        """
        try:
            leaf = decode_certificates(chain)[0]
        except ValueError as error:
            raise CertificateError(str(error)) from error
        self._newest = self._tls.context((chain, key))
        self._key_pair = chain, key
        self.certificate = leaf
        self._on_load(leaf)

    def set_client_ca(self, client_ca: bytes) -> None:
        """Demands client certificates of these CAs (PEM) from now on. For servers that began with some.

        Raises:
            CertificateError: there is no certificate in it. Those trusted before are trusted on.
        """
        tls = replace(self._tls, client_ca=client_ca)
        self._newest = tls.context(self._key_pair)
        self._tls = tls

    def _use_newest_context(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._newest


def _verifying(verifier: client_certificates.ClientVerifier) -> type[ssl.SSLObject]:
    """A server's end of a connection. Its handshake fails if the verifier says so, before a byte of HTTP is read."""

    class Verifying(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            if why := verifier(self.getpeercert()):
                raise ssl.SSLError(ssl.SSL_ERROR_SSL, why)

    return Verifying
