"""The TLS side of the server: the certificate that new handshakes present, and which clients may come at all.

Both are exchanged without a restart and never touch a disk.
"""

import os
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from cryptography import x509

from nginx_webhooks import clients
from nginx_webhooks.certificates.authority import valid
from nginx_webhooks.certificates.pem import certificates

Clock = Callable[[], datetime]

#: As the flags of Kubernetes' own programs name them.
TLS_VERSIONS: Final = {"VersionTLS12": ssl.TLSVersion.TLSv1_2, "VersionTLS13": ssl.TLSVersion.TLSv1_3}


def utc_now() -> datetime:
    """The time of the machine."""
    return datetime.now(UTC)


class CertificateError(ValueError):
    """A certificate and a key that cannot be served; the text says why."""


class ServingCertificate:
    """The TLS settings of the server. Connections that are open keep the certificate that they began with.

    Args:
        loaded: called after each exchange of the certificate.
        clock: the time.
        minimum: clients with an older TLS are refused. TLS 1.3 is offered in any case.
        client_ca: if given, clients must show a certificate that one of these (PEM) has signed.
        client_check: has the last word about a client whose certificate is verified.

    Raises:
        CertificateError: there is no certificate in client_ca.
    """

    def __init__(
        self,
        loaded: Callable[[x509.Certificate], None] = lambda _: None,
        *,
        clock: Clock = utc_now,
        minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
        client_ca: bytes | None = None,
        client_check: clients.Check = clients.anybody,
    ) -> None:
        self.certificate: x509.Certificate | None = None
        self._pair: tuple[bytes, bytes] | None = None
        self._loaded = loaded
        self._clock = clock
        self._minimum = minimum
        self._client_ca = client_ca
        self._newest = self.context = _context(minimum, client_ca)
        # A listener keeps one context for ever, and OpenSSL can add to a context but take nothing away: so each
        # handshake is handed over to the newest one. The callback runs for clients without SNI too.
        self.context.sni_callback = self._hand_over
        if client_ca is not None:
            self.context.sslobject_class = _checked_by(client_check)

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
        leaf = _leaf(chain)
        self._newest = server_context(chain, key, self._minimum, self._client_ca)
        self._pair = chain, key
        self.certificate = leaf
        self._loaded(leaf)

    def trust_clients(self, client_ca: bytes) -> None:
        """Demands client certificates by these authorities (PEM) from now on. For servers that began with some.

        Raises:
            CertificateError: there is no certificate in it. Those trusted before are trusted on.
        """
        if self._pair is None:
            self._newest = _context(self._minimum, client_ca)
        else:
            self._newest = server_context(*self._pair, self._minimum, client_ca)
        self._client_ca = client_ca

    def _hand_over(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._newest


def server_context(
    chain: bytes,
    key: bytes,
    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    client_ca: bytes | None = None,
) -> ssl.SSLContext:
    """TLS settings that present a certificate; arguments as those of `ServingCertificate`.

    Raises:
        CertificateError: certificate and key do not fit, or something is malformed.
    """
    context = _context(minimum, client_ca)
    # OpenSSL's loader takes file names only, so it gets one of a file that exists in memory alone.
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(chain.rstrip() + b"\n" + key)
        file.flush()
        try:
            context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=_no_password)
        except (ValueError, ssl.SSLError) as error:
            raise CertificateError(_words(error)) from error
    return context


def _context(minimum: ssl.TLSVersion, client_ca: bytes | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = minimum
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        # Without tickets each connection shows its certificate anew.
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
        try:
            context.load_verify_locations(cadata=client_ca.decode("ascii"))
        except (ValueError, ssl.SSLError) as error:
            raise CertificateError(f"no usable certificate of a client authority: {_words(error)}") from error
    return context


def _checked_by(check: clients.Check) -> type[ssl.SSLObject]:
    """A server's end of a connection. Its handshake fails if the check says so, before a byte of HTTP is read."""

    class Checked(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            if why := check(self.getpeercert()):
                raise ssl.SSLError(ssl.SSL_ERROR_SSL, why)

    return Checked


def _leaf(chain: bytes) -> x509.Certificate:
    try:
        return certificates(chain)[0]
    except ValueError as error:
        raise CertificateError(str(error)) from error


def _words(error: Exception) -> str:
    """The reason, without the place in OpenSSL's source. Some failures of PEM have no text at all."""
    reason = getattr(error, "reason", None)
    return {"KEY_VALUES_MISMATCH": "certificate and key do not belong together"}.get(reason or "", str(error))


def _no_password() -> str:
    """Called for an encrypted key only; without it OpenSSL would ask on the terminal."""
    raise ValueError("the key is encrypted; give an unencrypted one")
