"""Modes `certManager` and `existingSecret`: somebody else fills and renews the Secret.

A certificate that no API server would accept is refused, and the one before stays. So does it while the API servers do
not trust the new one yet, as long as they trust the old one.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from nginx_webhooks.certificates import secret_data, tls_secret
from nginx_webhooks.certificates.ca_injector import CaInjector, TrustBundle
from nginx_webhooks.certificates.pem import encode_certificates
from nginx_webhooks.certificates.requeue import RequeueError, require_synced
from nginx_webhooks.certificates.serving_certificate import ServingCertificate
from nginx_webhooks.certificates.source import SourceStatus
from nginx_webhooks.certificates.tls_secret import RefusedCertificateError, TlsSecret
from nginx_webhooks.certificates.watched_object import ObjectWatch, version
from nginx_webhooks.metrics import Metrics

log = logging.getLogger(__name__)

#: How long both caBundles must have verified a new certificate before it takes the place of a good one.
PROPAGATION_DELAY: Final = timedelta(seconds=3)
#: What to do about a missing Secret, by whether the webhooks inject the CAs.
_REMEDY: Final = {
    True: "create it with tls.crt, tls.key and ca.crt",
    False: "cert-manager makes it for the Certificate of that name: see 'kubectl describe certificate'",
}


class ExternalSource:
    """The source of one replica.

    Args:
        watch: follows the Secret.
        injector: tells what the API servers trust.
        server_name: DNS name that the API server asks for.
        serving: takes the certificate.
        injects: whether the caBundles are the webhooks' to write, or cert-manager's.
    """

    def __init__(
        self,
        *,
        watch: ObjectWatch,
        injector: CaInjector,
        server_name: str,
        serving: ServingCertificate,
        metrics: Metrics,
        injects: bool,
    ) -> None:
        self.watch = watch
        self._injector = injector
        self._server_name = server_name
        self._serving = serving
        self._metrics = metrics
        self._injects = injects
        self._served: TlsSecret | None = None
        self._trusted_since: datetime | None = None
        self._version = ""

    async def reconcile(self, now: datetime) -> SourceStatus:
        """Serves what the Secret holds as soon as that is safe.

        Raises:
            RequeueError: there is nothing that could be served, now or before.
        """
        require_synced(self.watch)
        candidate, warning = self._served, ""
        try:
            candidate = self._read_secret(now)
        except RefusedCertificateError as error:
            warning = str(error)
        self._metrics.certificate_refused.set(bool(warning))
        if candidate is None:
            raise RequeueError(warning)
        if warning:
            warning += "; the previous certificate is still served"
        if candidate != self._served and self._may_serve(candidate, now):
            self._serve(candidate)
        bundle = self._bundle(candidate) if self._injects else None
        return SourceStatus(bundle, warning, progressing=candidate != self._served)

    async def is_current(self) -> bool:
        """Whether the Secret is still as it was seen.

        Raises:
            ApiError: it cannot be read.
        """
        return await self.watch.still(self._version)

    @property
    def has_certificate(self) -> bool:
        """Whether there is a serving certificate."""
        return self._served is not None

    def verification_error(self, ca_bundle: bytes, _now: datetime) -> str:
        """Why a client that trusts `ca_bundle` refuses the serving certificate; empty when it accepts it."""
        if self._served is None:
            return "there is none"
        return self._served.verification_error(ca_bundle, self._server_name)

    def _read_secret(self, now: datetime) -> TlsSecret:
        """What the Secret holds at this moment.

        Raises:
            RefusedCertificateError: nothing that could be served.
        """
        secret = self.watch.object or {}
        self._version = version(secret)
        if not secret:
            raise RefusedCertificateError(f"there is no {self.watch}; {_REMEDY[self._injects]}")
        try:
            return tls_secret.read(secret_data.decode(secret), self._server_name, now)
        except ValueError as error:
            raise RefusedCertificateError(f"{self.watch} is refused: {error}") from error

    def _may_serve(self, candidate: TlsSecret, now: datetime) -> bool:
        """Whether no API server that accepts the serving certificate would refuse the candidate."""
        if self._served is None or not self._serving.valid:
            return True
        ca_bundles = [ca_bundle for _, ca_bundle in self._injector.ca_bundles()]
        if any(self._served.verification_error(ca_bundle, self._server_name) for ca_bundle in ca_bundles):
            return True
        if any(candidate.verification_error(ca_bundle, self._server_name) for ca_bundle in ca_bundles):
            self._trusted_since = None
            return False
        self._trusted_since = self._trusted_since or now
        return now - self._trusted_since >= PROPAGATION_DELAY

    def _serve(self, secret: TlsSecret) -> None:
        self._serving.load(secret.chain, secret.key)
        self._served, self._trusted_since = secret, None
        self._metrics.ca_expiry.set(min(ca.not_valid_after_utc.timestamp() for ca in secret.cas))
        leaf = x509.load_pem_x509_certificate(secret.chain)
        log.info("serving the certificate of %s, valid until %s", self.watch, leaf.not_valid_after_utc.isoformat())

    def _bundle(self, candidate: TlsSecret) -> TrustBundle:
        """The CAs that verify the candidate, and those of the serving certificate as long as that is another one."""
        served = self._served or candidate
        return TrustBundle(encode_certificates(dict.fromkeys((*candidate.cas, *served.cas))), shared=True)
