"""A Secret of type kubernetes.io/tls that somebody else fills and renews:

tls.crt, tls.key   the certificate, with intermediates if there are any, and its key
ca.crt             the CAs that verify it
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509

from nginx_webhooks.certificates import handshake
from nginx_webhooks.certificates.pem import decode_certificates, encode_certificates
from nginx_webhooks.certificates.validation import unsupported_by_go

#: Bytes of PEM that the CAs may have: some 40 RSA certificates. A caBundle is written into up to ten entries, for a
#: while together with the CAs before, and a configuration with more than 1.5 MB fits in no etcd.
MAX_CA_BYTES: Final = 64 * 1024


class RefusedCertificateError(ValueError):
    """What the Secret holds cannot be served; the text says why."""


@dataclass(frozen=True, slots=True)
class TlsSecret:
    """A certificate chain and its key, both PEM, and the CAs of ca.crt, each once."""

    chain: bytes
    key: bytes
    cas: tuple[x509.Certificate, ...]

    def verification_error(self, ca_bundle: bytes, name: str) -> str:
        """Why a client that trusts `ca_bundle` (PEM) refuses it for the DNS name; empty when it accepts it."""
        return handshake.verification_error(ca_bundle, self.chain, self.key, name)


def read(data: Mapping[str, bytes], name: str, now: datetime) -> TlsSecret:
    """The certificate that the Secret holds, once it is shown that clients who trust its ca.crt accept it.

    Args:
        data: of the Secret.
        name: DNS name that the API server asks for.
        now: the time.

    Raises:
        RefusedCertificateError: they would not.
    """
    missing = [key for key in ("tls.crt", "tls.key", "ca.crt") if not data.get(key)]
    if missing:
        raise RefusedCertificateError(f"it has no {' and no '.join(missing)}")
    chain = _certificates(data, "tls.crt")
    if why := next(filter(None, map(unsupported_by_go, chain)), ""):
        raise RefusedCertificateError(f"tls.crt {why}")
    cas = tuple(dict.fromkeys(_certificates(data, "ca.crt")))
    # An API server passes over a CA that it does not support, so that verifies nothing.
    supported = [ca for ca in cas if not unsupported_by_go(ca)]
    if not supported:
        raise RefusedCertificateError(f"ca.crt {unsupported_by_go(cas[0])}")
    size = len(encode_certificates(cas))
    if size > MAX_CA_BYTES:
        raise RefusedCertificateError(
            f"ca.crt has {len(cas)} certificates of {size // 1024} KiB together, more than {MAX_CA_BYTES // 1024} KiB; "
            "leave in it just the authorities that sign tls.crt"
        )
    leaf = chain[0]
    if now >= leaf.not_valid_after_utc:
        raise RefusedCertificateError(f"tls.crt has expired on {leaf.not_valid_after_utc.isoformat()}")
    if now < leaf.not_valid_before_utc:
        raise RefusedCertificateError(f"tls.crt is not valid before {leaf.not_valid_before_utc.isoformat()}")
    secret = TlsSecret(data["tls.crt"], data["tls.key"], cas)
    if why := secret.verification_error(encode_certificates(supported), name):
        raise RefusedCertificateError(f"ca.crt does not verify tls.crt with tls.key for {name}: {why}")
    return secret


def _certificates(data: Mapping[str, bytes], key: str) -> list[x509.Certificate]:
    try:
        return decode_certificates(data[key])
    except ValueError as error:
        raise RefusedCertificateError(f"{key} is not a PEM certificate: {error}") from error
