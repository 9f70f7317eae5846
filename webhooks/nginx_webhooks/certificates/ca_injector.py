"""Injects the CA bundle into both webhook configurations, as cert-manager's cainjector does.

A bundle is either exact, or shared between replicas that learn of a new certificate at different moments: such a one
must hold what each of them needs, so what is missing is added at once, and what is too much goes a minute later.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.token_bucket import TokenBucket
from nginx_webhooks.certificates.pem import decode_certificates
from nginx_webhooks.certificates.requeue import RequeueError, require_synced
from nginx_webhooks.certificates.watched_object import ObjectWatch
from nginx_webhooks.certificates.webhook_configuration import MissingWebhookError, WebhookConfiguration
from nginx_webhooks.metrics import Metrics

log = logging.getLogger(__name__)

#: How long a shared bundle may hold more than this replica needs.
SURPLUS_GRACE: Final = timedelta(minutes=1)
#: Writes of one configuration at once: more than all who deploy undo in a row.
WRITE_BURST: Final = 10
#: Seconds between two writes after that, so that two who disagree do not write as fast as the API server lets them.
WRITE_PERIOD: Final = 5.0


@dataclass(frozen=True, slots=True)
class TrustBundle:
    """What the caBundles should be.

    Attributes:
        pem: the trust anchors.
        shared: whether other replicas may need more of them at this moment.
    """

    pem: bytes
    shared: bool = False


class CaInjector:
    """Injects into both configurations, and knows for how long they have been right."""

    def __init__(self, configurations: Sequence[WebhookConfiguration], metrics: Metrics) -> None:
        self._configurations = configurations
        self._metrics = metrics
        self._injected: tuple[bytes, datetime] | None = None
        self._surplus_since: dict[ObjectWatch, datetime] = {}
        self._writes = {watch: TokenBucket(WRITE_BURST, WRITE_PERIOD) for watch in self.watches}

    @property
    def watches(self) -> tuple[ObjectWatch, ...]:
        """The watches that must run for it."""
        return tuple(configuration.watch for configuration in self._configurations)

    def ca_bundles(self) -> Iterator[tuple[ObjectWatch, bytes]]:
        """Each caBundle that the API server uses (PEM), with the configuration that holds it.

        Raises:
            RequeueError: one is not known, or there is no such entry.
        """
        for configuration in self._configurations:
            for ca_bundle in _ca_bundles(configuration):
                yield configuration.watch, ca_bundle

    def faults(self, verification_error: Callable[[bytes], str]) -> Iterator[tuple[ObjectWatch, RequeueError | None]]:
        """Each configuration, with why the API server does not trust us by it; None where it does.

        Args:
            verification_error: why a caBundle does not verify the served certificate; empty if it does.
        """
        for configuration in self._configurations:
            watch, fault = configuration.watch, None
            try:
                if why := next(filter(None, map(verification_error, _ca_bundles(configuration))), ""):
                    fault = RequeueError(f"the caBundle of {watch} does not verify the certificate: {why}")
            except RequeueError as error:
                fault = error
            yield watch, fault

    def injected_for(self, ca_bundle: bytes, now: datetime) -> timedelta:
        """How long both configurations have had exactly this bundle; negative if they do not."""
        if self._injected is None or self._injected[0] != ca_bundle:
            return timedelta(-1)
        return now - self._injected[1]

    async def inject(self, bundle: TrustBundle, now: datetime, is_current: Callable[[], Awaitable[bool]]) -> None:
        """Makes both configurations right. An error of one does not hold up the other.

        Args:
            bundle: what they should hold.
            now: the time.
            is_current: asks, before a write, whether `bundle` is still the latest.

        Raises:
            RequeueError: something is missing, or has changed meanwhile.
            ApiError: the API server refused.
        """
        errors: list[RequeueError | ApiError] = []
        wrote = False
        for configuration in self._configurations:
            try:
                wrote |= await self._inject_into(configuration, bundle, now, is_current)
            except (RequeueError, ApiError) as error:
                errors.append(error)
        if errors:
            self._injected = None
            raise next((error for error in errors if isinstance(error, ApiError)), errors[0])
        if wrote or self._injected is None or self._injected[0] != bundle.pem:
            self._injected = bundle.pem, now

    async def _inject_into(
        self,
        configuration: WebhookConfiguration,
        bundle: TrustBundle,
        now: datetime,
        is_current: Callable[[], Awaitable[bool]],
    ) -> bool:
        """Makes one configuration right. Returns whether it had to be written."""
        watch, live = configuration.watch, _ca_bundles(configuration)
        if all(ca_bundle == bundle.pem for ca_bundle in live):
            self._surplus_since.pop(watch, None)
            return False
        suffices = bundle.shared and all(_contains(ca_bundle, bundle.pem) for ca_bundle in live)
        if suffices and now - self._surplus_since.setdefault(watch, now) < SURPLUS_GRACE:
            return False
        if seconds := self._writes[watch].take(now.timestamp()):
            text = f"somebody else keeps changing the caBundle of {watch}; it is put back once in {WRITE_PERIOD:g} s"
            raise RequeueError(text, requeue_after=seconds)
        # This replica may lag behind another: look once more before writing.
        if not await is_current() or not await configuration.inject(bundle.pem):
            raise RequeueError(f"another process has just changed {watch} or the CA Secret", quiet=True)
        self._surplus_since.pop(watch, None)
        self._metrics.ca_bundle_writes.labels(watch.resource.kind).inc()
        log.info("wrote caBundle of %s", watch)
        return True


def _ca_bundles(configuration: WebhookConfiguration) -> tuple[bytes, ...]:
    require_synced(configuration.watch)
    try:
        return configuration.ca_bundles
    except MissingWebhookError as error:
        raise RequeueError(str(error)) from error


def _contains(ca_bundle: bytes, needed: bytes) -> bool:
    """Whether one bundle holds all certificates of another."""
    try:
        return set(decode_certificates(needed)) <= set(decode_certificates(ca_bundle))
    except ValueError:
        return False
