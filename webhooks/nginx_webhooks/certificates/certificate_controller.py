"""Reconciles Secret, serving certificate and caBundles; level-triggered, run after every change.

    reconcile:  serving certificate from the Secret (source)  ->  caBundles (injector)  ->  ready?

A reconcile looks at the present only and does nothing when nothing is amiss. Every replica runs it; resourceVersions
settle who writes.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from nginx_operator.kube.backoff import Backoff
from nginx_operator.kube.errors import ApiError
from nginx_operator.logs import LogOnChange
from nginx_operator.serving import health
from nginx_webhooks.certificates.ca_injector import CaInjector
from nginx_webhooks.certificates.requeue import RequeueError
from nginx_webhooks.certificates.serving_certificate import Clock, utc_now
from nginx_webhooks.certificates.source import CertificateSource
from nginx_webhooks.certificates.watched_object import ObjectWatch
from nginx_webhooks.metrics import Metrics
from nginx_webhooks.readiness import Readiness

log = logging.getLogger(__name__)

#: Seconds after which it reconciles without a change: time itself makes renewals due.
RESYNC_PERIOD: Final = 10.0
#: The same while the next step is a matter of seconds.
RESYNC_PERIOD_PROGRESSING: Final = 0.5
#: Seconds before the first retry after an error and, doubled each time, at the most.
_FIRST_RETRY: Final = 0.5
_LONGEST_RETRY: Final = 30.0


class CertificateController:
    """The controller of one replica.

    Args:
        source: the Secret, and what is served from it.
        injector: the caBundles of both configurations.
        readiness: latched once the API server would accept the certificate.
        metrics: where faults of objects are told.
        changed: set by the watches of both.
    """

    def __init__(
        self,
        *,
        source: CertificateSource,
        injector: CaInjector,
        readiness: Readiness,
        metrics: Metrics,
        changed: asyncio.Event,
        clock: Clock = utc_now,
    ) -> None:
        self._source = source
        self._injector = injector
        self._readiness = readiness
        self._metrics = metrics
        self._changed = changed
        self._clock = clock
        self._warnings = LogOnChange(log)
        for watch in self._watches:
            metrics.watch_failing.labels(watch.resource.kind).set_function(partial(_is_failing, watch))

    async def run(self) -> None:
        """Watches and reconciles, for ever."""
        async with asyncio.TaskGroup() as tasks:
            for watch in self._watches:
                tasks.create_task(watch.run())
            tasks.create_task(self._loop())

    @property
    def _watches(self) -> tuple[ObjectWatch, ...]:
        return self._source.watch, *self._injector.watches

    def unhealthy(self) -> str | None:
        """Why only a restart can help, or None."""
        return health.standstill((str(watch), watch.turned) for watch in self._watches)

    async def _loop(self) -> None:
        backoff = Backoff(_FIRST_RETRY, _LONGEST_RETRY)
        while True:
            self._changed.clear()
            requeue_after = RESYNC_PERIOD
            try:
                if await self.reconcile():
                    requeue_after = RESYNC_PERIOD_PROGRESSING
            except RequeueError as error:
                self._warn(str(error), quiet=error.quiet)
                requeue_after = error.requeue_after or RESYNC_PERIOD
            except ApiError as error:
                self._warn(error.explained)
                requeue_after = backoff.step(error.retry_after)
            except Exception:  # a bug must not end the webhooks, which serve well without this loop for days
                log.exception("certificates: a bug; retrying")
                requeue_after = backoff.step()
            else:
                self._warnings.reset()
                backoff.reset()
            await self._wait(requeue_after)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    async def reconcile(self) -> bool:
        """Does what is due at this moment. Returns whether more is due within moments.

        Raises:
            RequeueError: something is missing.
            ApiError: the API server refused, or is away.
        """
        now = self._clock()
        try:
            status = await self._source.reconcile(now)
            if status.bundle is not None:
                await self._injector.inject(status.bundle, now, self._source.is_current)
        finally:
            faults = self._trust_faults(now)
        self._check_trust(faults)
        if status.warning:
            raise RequeueError(status.warning)
        return status.progressing

    def _trust_faults(self, now: datetime) -> list[RequeueError]:
        """Why the API server does not trust this pod at this moment. Metrics tell it too, and a Secret that is gone.

        Without a certificate of its own the pod cannot judge a caBundle: that is no fault of the configurations.
        """

        def verification_error(ca_bundle: bytes) -> str:
            return self._source.verification_error(ca_bundle, now) if self._source.has_certificate else ""

        found = list(self._injector.faults(verification_error))
        secret = self._source.watch
        states = [(secret, secret.object is None), *((watch, fault is not None) for watch, fault in found)]
        for watch, bad in states:
            if watch.seen:
                self._metrics.object_faults.labels(watch.resource.kind).set(bad)
        return [fault for _, fault in found if fault is not None]

    def _check_trust(self, faults: Sequence[RequeueError]) -> None:
        """Makes the pod ready as soon as the API server would accept the certificate, by both live configurations.

        Later on a certificate that it would refuse is only a warning: without this pod no admission works either.
        """
        if faults:
            raise faults[0]
        if not self._source.has_certificate:
            raise RequeueError("there is no serving certificate yet")
        if self._readiness.proven:
            return
        self._readiness.prove()
        log.info("ready: both webhook configurations trust the certificate")

    def _warn(self, text: str, *, quiet: bool = False) -> None:
        """Logs a new warning once, and shows it at /readyz."""
        self._warnings.log(logging.DEBUG if quiet else logging.WARNING, f"certificates: {text}; retrying")
        if not self._readiness.proven:
            self._readiness.waiting_for = text


def _is_failing(watch: ObjectWatch) -> bool:
    return bool(watch.fault)
