"""The Secret that holds the certificate authorities, shared by all replicas.

Its keys, all PEM but the last:

    ca.crt                  what clients must trust: the caBundle
    tls.crt, tls.key        the authority that signs
    next.crt, next.key      the one that will, during a rotation
    previous.crt            those that did, as long as their leaves may live
    previous-until          a line for each: when the last of these expires, RFC 3339

A write names the resourceVersion that it was decided upon, so of two replicas that decide at once one wins, and the
other decides anew. No replica leads. It is a merge patch that removes by name the keys whose time is over: an apply
that left them out would leave them to whoever else owns them, such as `kubectl create` from a backup.
"""

import base64
import binascii
from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nginx_operator.api import names
from nginx_operator.kube.errors import ApiError
from nginx_webhooks.certificates.authority import Authorities, Authority, Retired, can_sign, key_pem, pem
from nginx_webhooks.certificates.pem import UNREADABLE, certificates
from nginx_webhooks.certificates.watched_object import Object, ObjectWatch, version

#: All that is ours in the Secret.
_KEYS: Final = ("ca.crt", "tls.crt", "tls.key", "next.crt", "next.key", "previous.crt", "previous-until")


class MalformedSecretError(ValueError):
    """The Secret holds something, but no usable authorities; the text says why."""


def to_data(kept: Authorities) -> dict[str, bytes]:
    """The Secret's keys and values, not yet in base64."""
    data = {"ca.crt": kept.bundle, **_authority_data("tls", kept.current)}
    if kept.upcoming is not None:
        data |= _authority_data("next", kept.upcoming)
    if kept.retired:
        data["previous.crt"] = pem([found.certificate for found in kept.retired])
        data["previous-until"] = "\n".join(found.until.isoformat() for found in kept.retired).encode("ascii")
    return data


def from_data(data: Mapping[str, bytes]) -> Authorities | None:
    """What `to_data` has written; None if the Secret is empty.

    Raises:
        MalformedSecretError: it is something else.
    """
    if not any(data.values()):
        return None
    try:
        return Authorities(
            current=_authority(data, "tls"),
            upcoming=_authority(data, "next") if "next.crt" in data else None,
            retired=_retired(data) if data.get("previous.crt") else (),
        )
    except KeyError as error:
        raise MalformedSecretError(f"it has no key {error}") from error
    except UNREADABLE as error:
        raise MalformedSecretError(str(error) or type(error).__name__) from error


def _authority_data(prefix: str, authority: Authority) -> dict[str, bytes]:
    return {f"{prefix}.crt": pem([authority.certificate]), f"{prefix}.key": key_pem(authority.key)}


def _retired(data: Mapping[str, bytes]) -> tuple[Retired, ...]:
    retired = certificates(data["previous.crt"])
    times = data["previous-until"].decode("ascii").split()
    if len(retired) != len(times):
        raise ValueError(f"previous.crt has {len(retired)} certificates, and previous-until {len(times)} times")
    # One that is named twice is trusted until the later of its times.
    latest: dict[x509.Certificate, datetime] = {}
    for certificate, until in zip(retired, map(_time, times), strict=True):
        latest[certificate] = max(until, latest.get(certificate, until))
    return tuple(Retired(certificate, until) for certificate, until in latest.items())


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("previous-until has no time zone")
    return found


def _authority(data: Mapping[str, bytes], prefix: str) -> Authority:
    certificate = x509.load_pem_x509_certificate(data[f"{prefix}.crt"])
    key = serialization.load_pem_private_key(data[f"{prefix}.key"], password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{prefix}.key is no elliptic curve key")
    if certificate.public_key() != key.public_key():
        raise ValueError(f"{prefix}.crt and {prefix}.key do not belong together")
    found = Authority(certificate, key)
    if not can_sign(found):
        raise ValueError(f"{prefix}.crt is no certificate authority that a client would accept")
    return found


class AuthorityStore:
    """Reads and writes the Secret that `watch` follows. What is written was decided upon what `read` gave last."""

    def __init__(self, watch: ObjectWatch) -> None:
        self.watch = watch
        self._version = ""

    def read(self) -> Authorities | None:
        """The authorities in the Secret as it was seen last; None if it is empty.

        Raises:
            MalformedSecretError: it holds something else.
        """
        seen = self.watch.object or {}
        self._version = version(seen)
        data: dict[str, Any] = seen.get("data") or {}
        try:
            return from_data({key: base64.b64decode(value, validate=True) for key, value in data.items()})
        except (binascii.Error, TypeError) as error:
            raise MalformedSecretError(f"base64: {error}") from error

    async def write(self, kept: Authorities) -> bool:
        """Stores the authorities if the Secret is still as it was read. False means that somebody else was faster.

        Raises:
            ApiError: the API server refused for another reason.
        """
        data = {key: base64.b64encode(value).decode("ascii") for key, value in to_data(kept).items()}
        body = {"metadata": {"resourceVersion": self._version}, "data": {key: data.get(key) for key in _KEYS}}
        watch, manager = self.watch, names.CA_BUNDLE_FIELD_MANAGER
        stored = await _stored(
            watch, watch.client.merge(watch.resource, watch.namespace, watch.name, body, manager=manager)
        )
        if stored is not None:
            self._version = version(stored)
        return stored is not None

    async def confirm(self) -> bool:
        """Whether the Secret is still as it was read, or written since. Takes in what is new.

        Raises:
            ApiError: it cannot be read.
        """
        return await self.watch.still(self._version)


async def apply(watch: ObjectWatch, body: Object) -> Object | None:
    """Server-side apply of a body that names a resourceVersion; None means that the object has changed since.

    Raises:
        ApiError: the API server refused for another reason.
    """
    request = watch.client.apply(
        watch.resource, watch.namespace, watch.name, body, force=True, manager=names.CA_BUNDLE_FIELD_MANAGER
    )
    return await _stored(watch, request)


async def _stored(watch: ObjectWatch, request: Awaitable[bytes]) -> Object | None:
    """The answer to a write that names a resourceVersion, taken in; None if that has changed."""
    try:
        answer = await request
    except ApiError as error:
        if error.code == 409:
            return None
        raise
    stored: Object = msgspec.json.decode(answer)
    watch.observed(stored)
    return stored
