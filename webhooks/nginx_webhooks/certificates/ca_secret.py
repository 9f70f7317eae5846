"""The Secret that holds the CAs, shared by all replicas.

Its keys, all PEM but the last:

    ca.crt                  the trust anchors: the caBundle
    tls.crt, tls.key        the issuing CA
    next.crt, next.key      the CA that will issue, during a rotation
    previous.crt            the retired CAs, as long as their leaf certificates may live
    previous-until          a line for each: when the last of these expires, RFC 3339

Of two replicas that write at once one wins, by the resourceVersion, and the other decides anew. No replica leads. A
write is a merge patch that removes by name the keys whose time is over: an apply that left them out would leave them to
whoever else owns them, such as `kubectl create` from a backup.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nginx_webhooks.certificates import optimistic_lock, secret_data
from nginx_webhooks.certificates.authority import CertificateAuthority, can_sign
from nginx_webhooks.certificates.ca_rotation import CaSet, RetiredCa
from nginx_webhooks.certificates.pem import UNREADABLE, decode_certificates, encode_certificates, encode_private_key
from nginx_webhooks.certificates.watched_object import ObjectWatch, version

#: The keys of the Secret that the webhooks own.
_KEYS: Final = ("ca.crt", "tls.crt", "tls.key", "next.crt", "next.key", "previous.crt", "previous-until")


class MalformedSecretError(ValueError):
    """The Secret holds something, but no usable CAs; the text says why."""


def to_data(cas: CaSet) -> dict[str, bytes]:
    """The Secret's keys and values, not yet in base64."""
    data = {"ca.crt": cas.ca_bundle, **_encode(cas.issuing, "tls")}
    if cas.next is not None:
        data |= _encode(cas.next, "next")
    if cas.retired:
        data["previous.crt"] = encode_certificates(ca.certificate for ca in cas.retired)
        data["previous-until"] = "\n".join(ca.trusted_until.isoformat() for ca in cas.retired).encode("ascii")
    return data


def from_data(data: Mapping[str, bytes]) -> CaSet | None:
    """What `to_data` has written; None if the Secret is empty.

    Raises:
        MalformedSecretError: it is something else.
    """
    if not any(data.values()):
        return None
    try:
        return CaSet(
            issuing=_decode(data, "tls"),
            next=_decode(data, "next") if "next.crt" in data else None,
            retired=_decode_retired(data) if data.get("previous.crt") else (),
        )
    except KeyError as error:
        raise MalformedSecretError(f"it has no {error.args[0]}") from error
    except UNREADABLE as error:
        raise MalformedSecretError(str(error) or type(error).__name__) from error


def _encode(ca: CertificateAuthority, prefix: str) -> dict[str, bytes]:
    return {f"{prefix}.crt": encode_certificates([ca.certificate]), f"{prefix}.key": encode_private_key(ca.key)}


def _decode(data: Mapping[str, bytes], prefix: str) -> CertificateAuthority:
    certificate = x509.load_pem_x509_certificate(data[f"{prefix}.crt"])
    key = serialization.load_pem_private_key(data[f"{prefix}.key"], password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{prefix}.key is not an elliptic curve key")
    if certificate.public_key() != key.public_key():
        raise ValueError(f"{prefix}.crt and {prefix}.key do not belong together")
    ca = CertificateAuthority(certificate, key)
    if not can_sign(ca):
        raise ValueError(f"{prefix}.crt is not a certificate authority that a client would accept")
    return ca


def _decode_retired(data: Mapping[str, bytes]) -> tuple[RetiredCa, ...]:
    certificates = decode_certificates(data["previous.crt"])
    times = data["previous-until"].decode("ascii").split()
    if len(certificates) != len(times):
        raise ValueError(f"previous.crt has {len(certificates)} certificates, and previous-until {len(times)} times")
    # One that is named twice is trusted until the later of its times.
    latest: dict[x509.Certificate, datetime] = {}
    for certificate, until in zip(certificates, map(_decode_time, times), strict=True):
        latest[certificate] = max(until, latest.get(certificate, until))
    return tuple(RetiredCa(certificate, until) for certificate, until in latest.items())


def _decode_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("previous-until has no time zone")
    return time


class CaSecret:
    """Reads and writes the Secret that `watch` follows. A write is decided upon what was read last."""

    def __init__(self, watch: ObjectWatch) -> None:
        self.watch = watch
        self._version = ""

    def read(self) -> CaSet | None:
        """The CAs in the Secret as it was seen last; None if it is empty.

        Raises:
            MalformedSecretError: it holds something else.
        """
        secret = self.watch.object or {}
        self._version = version(secret)
        try:
            data = secret_data.decode(secret)
        except ValueError as error:
            raise MalformedSecretError(f"base64: {error}") from error
        return from_data(data)

    async def write(self, cas: CaSet) -> bool:
        """Stores the CAs if the Secret is still as it was read. Returns False if somebody else was faster.

        Raises:
            ApiError: the API server refused for another reason.
        """
        data = secret_data.encode(to_data(cas))
        body = {"metadata": {"resourceVersion": self._version}, "data": {key: data.get(key) for key in _KEYS}}
        stored = await optimistic_lock.merge(self.watch, body)
        if stored is not None:
            self._version = version(stored)
        return stored is not None

    async def is_current(self) -> bool:
        """Whether the Secret is still as it was read, or written since. A newer one is handed to the watch.

        Raises:
            ApiError: it cannot be read.
        """
        return await self.watch.still(self._version)
