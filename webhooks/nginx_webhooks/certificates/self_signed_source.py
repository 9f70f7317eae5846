"""Mode `auto`: the replicas share a CA in the Secret, and each signs its own leaf certificate in memory.

    CAs from the Secret (created, rotated, restored)  ->  leaf certificate

The CAs seen last sign, so an API server that is away stops no renewal.
"""

import logging
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from nginx_operator.kube.token_bucket import TokenBucket
from nginx_webhooks.certificates import authority, ca_rotation
from nginx_webhooks.certificates.ca_injector import CaInjector, TrustBundle
from nginx_webhooks.certificates.ca_rotation import CaSet, RotationError
from nginx_webhooks.certificates.ca_secret import CaSecret, MalformedSecretError
from nginx_webhooks.certificates.requeue import RequeueError, require_synced
from nginx_webhooks.certificates.serving_certificate import ServingCertificate
from nginx_webhooks.certificates.source import SourceStatus
from nginx_webhooks.certificates.validation import renewal_time, verifies, within_validity
from nginx_webhooks.metrics import Metrics

log = logging.getLogger(__name__)

#: How long both caBundles must have held a new CA before it signs: API servers learn of them by watches too.
PROPAGATION_DELAY: Final = timedelta(seconds=10)
#: Times that the same step is taken at once, where somebody undoes it: a backup may be restored more than once.
STEP_BURST: Final = 3
#: Seconds between two of them after that.
STEP_PERIOD: Final = 300.0


class SelfSignedSource:
    """The source of one replica.

    Args:
        secret: holds the CAs.
        injector: tells how long the caBundles have been right.
        server_names: DNS names of the leaf certificate; the first is the one that the API server asks for.
        serving: takes the leaf certificate.
    """

    def __init__(
        self,
        *,
        secret: CaSecret,
        injector: CaInjector,
        server_names: Sequence[str],
        serving: ServingCertificate,
        metrics: Metrics,
    ) -> None:
        self.watch = secret.watch
        self._secret = secret
        self._injector = injector
        self._server_names = server_names
        self._serving = serving
        self._metrics = metrics
        self._cas: CaSet | None = None
        self._steps: defaultdict[Hashable, TokenBucket] = defaultdict(lambda: TokenBucket(STEP_BURST, STEP_PERIOD))

    async def reconcile(self, now: datetime) -> SourceStatus:
        """Takes the step of a rotation that is due, and renews the leaf certificate.

        Raises:
            RequeueError, ApiError: as in `CertificateSource`. The leaf certificate is renewed nevertheless.
        """
        try:
            self._cas, warning = await self._reconcile_secret(now)
        finally:
            if self._cas is not None:
                self._renew_leaf(self._cas.issuing, now)  # also while the Secret is out of reach
        self._metrics.ca_expiry.set(self._cas.issuing.certificate.not_valid_after_utc.timestamp())
        return SourceStatus(TrustBundle(self._cas.ca_bundle), warning, progressing=self._cas.next is not None)

    async def is_current(self) -> bool:
        """Whether the Secret is still as it was seen.

        Raises:
            ApiError: it cannot be read.
        """
        return await self._secret.is_current()

    @property
    def has_certificate(self) -> bool:
        """Whether there is a leaf certificate."""
        return self._serving.certificate is not None

    def verification_error(self, ca_bundle: bytes, now: datetime) -> str:
        """Why a client that trusts `ca_bundle` refuses the leaf certificate; empty when it accepts it."""
        leaf, name = self._serving.certificate, self._server_names[0]
        if leaf is not None and verifies(ca_bundle, leaf, name, now):
            return ""
        return f"none of its authorities has signed it for {name}, or the dates do not fit"

    async def _reconcile_secret(self, now: datetime) -> tuple[CaSet, str]:
        """The CAs in the Secret, after the step of a rotation that is due, and a warning or an empty text."""
        require_synced(self.watch)
        if self.watch.object is None:
            raise RequeueError(
                f"there is no {self.watch}; 'helm upgrade' in this mode creates it, empty, or 'helm rollback' does"
            )
        stored, malformed = None, ""
        try:
            stored = self._secret.read()
        except MalformedSecretError as error:
            malformed = str(error)
        if stored is not None:
            propagated = self._injector.injected_for(stored.ca_bundle, now) >= PROPAGATION_DELAY
            desired, change = ca_rotation.advance(stored, now, propagated=propagated)
        else:
            desired, change = self._restore(now, emptied=not malformed)
        if not change:
            return desired, ""
        bucket = self._steps[change, *replace(desired, next=None).trust_anchors]
        if bucket.tokens(now.timestamp()) < 1:
            return stored or self._cas or desired, (
                f"somebody keeps undoing what is written to {self.watch}; the step '{change}' is repeated once in "
                f"{STEP_PERIOD:g} s"
            )
        if not await self._secret.write(desired):
            raise RequeueError(f"another process has just changed {self.watch}", quiet=True)
        bucket.take(now.timestamp())
        self._metrics.ca_changes.labels(change).inc()
        before = f", malformed before: {malformed}" if malformed else ""
        log.info("certificate authority %s in %s%s", change, self.watch, before)
        return desired, ""

    def _restore(self, now: datetime, *, emptied: bool) -> tuple[CaSet, str]:
        """The CAs for a Secret that holds none, and the word for that step.

        What this replica remembers is what the API servers trust. Somebody who took the data away may have wanted a
        rotation, so one begins, within bounds: an upgrade that replaces the Secret does the same.
        """
        desired, change = ca_rotation.advance(self._cas, now, propagated=False)
        if change:
            return desired, change
        if emptied:
            try:
                desired = ca_rotation.begin(desired, now)
            except RotationError as error:
                log.info("no rotation: %s", error)
        return desired, "restored"

    def _renew_leaf(self, ca: authority.CertificateAuthority, now: datetime) -> None:
        """Serves a new leaf certificate if there is none, if a renewal is due, or if it is not of this CA."""
        leaf = self._serving.certificate
        up_to_date = (
            leaf is not None
            and leaf.issuer == ca.certificate.subject
            and leaf.not_valid_before_utc <= now < renewal_time(leaf)
        )
        if up_to_date or not within_validity(ca.certificate, now):
            return
        renewed = authority.issue(ca, self._server_names, now)
        self._serving.load(renewed.certificate_pem, renewed.key_pem)
        log.info("new certificate, valid until %s", renewed.certificate.not_valid_after_utc.isoformat())
