"""TLS settings of both ends, as `ssl.SSLContext`: of the server, and of a client that is as strict as Go."""

import os
import ssl
from dataclasses import dataclass
from typing import Final

from nginx_webhooks.certificates.pem import decode_certificates, encode_certificates

#: As the flags of Kubernetes' own programs name them.
TLS_VERSIONS: Final = {"VersionTLS12": ssl.TLSVersion.TLSv1_2, "VersionTLS13": ssl.TLSVersion.TLSv1_3}


class CertificateError(ValueError):
    """A certificate and a key that cannot be served; the text says why."""


@dataclass(frozen=True, slots=True)
class ServerTls:
    """What the server demands of its clients.

    Attributes:
        min_version: clients with an older TLS are refused. TLS 1.3 is offered in any case.
        client_ca: if given, clients must show a certificate that one of these CAs (PEM) has signed.
    """

    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    client_ca: bytes | None = None

    def context(self, key_pair: tuple[bytes, bytes] | None = None) -> ssl.SSLContext:
        """A server, with a certificate chain and its unencrypted key (PEM) once there is one.

        Raises:
            CertificateError: chain and key do not fit, or something is malformed.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = self.min_version
        if self.client_ca is not None:
            _require_client_certificate(context, self.client_ca)
        if key_pair is not None:
            _load(context, *key_pair)
        return context


def client_context(ca_bundle: bytes) -> ssl.SSLContext:
    """A client that trusts these certificates (PEM) and no others.

    Raises:
        ValueError: there is none in it.
    """
    try:
        trusted = encode_certificates(decode_certificates(ca_bundle))  # without what people write between certificates
    except ValueError as error:
        raise ValueError("there is no trusted certificate") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False  # as in Go since 1.17
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # Go takes any trusted certificate for the end of a chain
    context.load_verify_locations(cadata=trusted.decode("ascii"))
    return context


def _require_client_certificate(context: ssl.SSLContext, client_ca: bytes) -> None:
    context.verify_mode = ssl.CERT_REQUIRED
    # Without tickets each connection shows its certificate anew.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    try:
        context.load_verify_locations(cadata=client_ca.decode("ascii"))
    except (ValueError, ssl.SSLError) as error:
        raise CertificateError(f"no usable certificate of a client authority: {_reason(error)}") from error


def _load(context: ssl.SSLContext, chain: bytes, key: bytes) -> None:
    # OpenSSL's loader takes file names only, so it gets one of a file that exists in memory alone.
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(chain.rstrip() + b"\n" + key)
        file.flush()
        try:
            context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=_no_password)
        except (ValueError, ssl.SSLError) as error:
            raise CertificateError(_reason(error)) from error


def _no_password() -> str:
    """Called for an encrypted key only; without it OpenSSL would ask on the terminal."""
    raise ValueError("the key is encrypted; give an unencrypted one")


def _reason(error: Exception) -> str:
    """The reason, without the place in OpenSSL's source. Some failures of PEM have no text at all."""
    reason = getattr(error, "reason", None)
    return {"KEY_VALUES_MISMATCH": "certificate and key do not belong together"}.get(reason or "", str(error))
