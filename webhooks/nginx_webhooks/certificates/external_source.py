"""Modes `certManager` and `existingSecret`: a Secret of type kubernetes.io/tls that somebody else fills and renews.

    tls.crt, tls.key   the certificate, with intermediates if there are any, and its key
    ca.crt             the authorities that verify it

A certificate that no API server would accept is refused, and the one before stays. So does it while the API servers do
not trust the new one yet, as long as they trust the old one.
"""

import base64
import binascii
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography import x509

from nginx_webhooks.certificates import handshake
from nginx_webhooks.certificates.authority import pem
from nginx_webhooks.certificates.ca_injector import CaBundleInjector, WaitingError, Wanted, require_seen
from nginx_webhooks.certificates.pem import certificates, foreign_to_go
from nginx_webhooks.certificates.serving_certificate import ServingCertificate
from nginx_webhooks.certificates.source import Provision
from nginx_webhooks.certificates.watched_object import ObjectWatch, version
from nginx_webhooks.metrics import Metrics

log = logging.getLogger(__name__)

#: How long both caBundles must have verified a new certificate before it takes the place of a good one.
SETTLE: Final = timedelta(seconds=3)
#: Bytes of PEM that the authorities may have: some 40 RSA certificates. A caBundle is written into up to ten entries,
#: for a while together with the authorities before, and a configuration with more than 1.5 MB fits in no etcd.
BUNDLE_LIMIT: Final = 64 * 1024
#: Who brings the Secret, by whether the caBundles are ours.
_BRINGS: Final = {
    True: "create it with tls.crt, tls.key and ca.crt",
    False: "cert-manager makes it for the Certificate of that name: see 'kubectl describe certificate'",
}


class RefusedCertificateError(ValueError):
    """What the Secret holds cannot be served; the text says why."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What the Secret holds; all PEM.

    Attributes:
        authorities: of ca.crt, each once.
    """

    chain: bytes
    key: bytes
    authorities: tuple[x509.Certificate, ...]

    def refusal(self, bundle: bytes, name: str) -> str:
        """Why a client that trusts `bundle` refuses it; empty when it does not."""
        return handshake.refusal(bundle, self.chain, self.key, name)


def read(data: Mapping[str, bytes], name: str, now: datetime) -> Pair:
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
    leaf = chain[0]
    if why := next(filter(None, map(foreign_to_go, chain)), ""):
        raise RefusedCertificateError(f"tls.crt {why}")
    authorities = tuple(dict.fromkeys(_certificates(data, "ca.crt")))
    # An API server passes over such an authority, so it verifies nothing.
    known = [found for found in authorities if not foreign_to_go(found)]
    if not known:
        raise RefusedCertificateError(f"ca.crt {foreign_to_go(authorities[0])}")
    bundle = pem(authorities)
    if len(bundle) > BUNDLE_LIMIT:
        raise RefusedCertificateError(
            f"ca.crt has {len(authorities)} certificates of {len(bundle) // 1024} KiB together, more than "
            f"{BUNDLE_LIMIT // 1024} KiB; leave in it just the authorities that sign tls.crt"
        )
    if now >= leaf.not_valid_after_utc:
        raise RefusedCertificateError(f"tls.crt has expired on {leaf.not_valid_after_utc.isoformat()}")
    if now < leaf.not_valid_before_utc:
        raise RefusedCertificateError(f"tls.crt is not valid before {leaf.not_valid_before_utc.isoformat()}")
    found = Pair(data["tls.crt"], data["tls.key"], authorities)
    if why := found.refusal(pem(known), name):
        raise RefusedCertificateError(f"ca.crt does not verify tls.crt with tls.key for {name}: {why}")
    return found


def _certificates(data: Mapping[str, bytes], key: str) -> list[x509.Certificate]:
    try:
        return certificates(data[key])
    except ValueError as error:
        raise RefusedCertificateError(f"{key} is no PEM certificate: {error}") from error


class ExternalSource:
    """The source of one replica.

    Args:
        watch: follows the Secret.
        publication: tells what the API servers trust.
        server_name: DNS name that the API server asks for.
        live: takes the certificate.
        injects: whether the caBundles are ours to write.
    """

    def __init__(
        self,
        *,
        watch: ObjectWatch,
        publication: CaBundleInjector,
        server_name: str,
        live: ServingCertificate,
        metrics: Metrics,
        injects: bool,
    ) -> None:
        self.watch = watch
        self._publication = publication
        self._server_name = server_name
        self._live = live
        self._metrics = metrics
        self._injects = injects
        self._served: Pair | None = None
        self._trusted_since: datetime | None = None
        self._version = ""

    async def provide(self, now: datetime) -> Provision:
        """Serves what the Secret holds as soon as that is safe.

        Raises:
            WaitingError: there is nothing that could be served, now or before.
        """
        require_seen(self.watch)
        held, complaint = self._served, ""
        try:
            held = self._held(now)
        except RefusedCertificateError as error:
            complaint = str(error)
        self._metrics.certificate_refused.set(bool(complaint))
        if held is None:
            raise WaitingError(complaint)
        if complaint:
            complaint += "; the certificate before it is served on"
        if held != self._served and self._may_serve(held, now):
            self._serve(held)
        wanted = self._wanted(held) if self._injects else None
        return Provision(wanted, complaint, pending=held != self._served)

    async def confirm(self) -> bool:
        """Whether the Secret is still as it was seen.

        Raises:
            ApiError: it cannot be read.
        """
        return await self.watch.still(self._version)

    def refusal(self, bundle: bytes, _now: datetime) -> str:
        """Why a client that trusts `bundle` would refuse what is served; empty when it would not."""
        return "there is none" if self._served is None else self._served.refusal(bundle, self._server_name)

    def _held(self, now: datetime) -> Pair:
        """What the Secret holds at this moment.

        Raises:
            RefusedCertificateError: nothing that could be served.
        """
        seen = self.watch.object or {}
        self._version = version(seen)
        if not seen:
            raise RefusedCertificateError(f"there is no {self.watch}; {_BRINGS[self._injects]}")
        encoded: dict[str, Any] = seen.get("data") or {}
        try:
            data = {key: base64.b64decode(value, validate=True) for key, value in encoded.items()}
            return read(data, self._server_name, now)
        except (RefusedCertificateError, binascii.Error, TypeError) as error:
            raise RefusedCertificateError(f"{self.watch} is refused: {error}") from error

    def _may_serve(self, held: Pair, now: datetime) -> bool:
        """Whether no API server that accepts what is served now would refuse `held`."""
        if self._served is None or not self._live.valid:
            return True
        bundles = [bundle for _, bundle in self._publication.live()]
        if any(self._served.refusal(bundle, self._server_name) for bundle in bundles):
            return True
        if any(held.refusal(bundle, self._server_name) for bundle in bundles):
            self._trusted_since = None
            return False
        self._trusted_since = self._trusted_since or now
        return now - self._trusted_since >= SETTLE

    def _serve(self, held: Pair) -> None:
        self._live.load(held.chain, held.key)
        self._served, self._trusted_since = held, None
        self._metrics.ca_expiry.set(min(found.not_valid_after_utc.timestamp() for found in held.authorities))
        leaf = x509.load_pem_x509_certificate(held.chain)
        log.info("serving the certificate of %s, valid until %s", self.watch, leaf.not_valid_after_utc.isoformat())

    def _wanted(self, held: Pair) -> Wanted:
        """What verifies `held`, and what is served as long as that is something else."""
        served = self._served or held
        return Wanted(pem(tuple(dict.fromkeys((*held.authorities, *served.authorities)))), shared=True)
