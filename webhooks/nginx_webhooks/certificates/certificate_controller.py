"""Keeps Secret, certificate and caBundles as they should be: one level-triggered step, run after every change.

    step:  certificate from the Secret (source)  ->  caBundles (publication)  ->  ready?

A step looks at the present only and does nothing when nothing is amiss. Every replica runs it; resourceVersions
settle who writes.
"""

import asyncio
import logging
from datetime import datetime
from typing import Final

from nginx_operator.kube.backoff import Backoff
from nginx_operator.kube.errors import ApiError
from nginx_operator.serving import health
from nginx_webhooks.certificates.ca_injector import CaBundleInjector, WaitingError
from nginx_webhooks.certificates.serving_certificate import Clock, utc_now
from nginx_webhooks.certificates.source import Source
from nginx_webhooks.certificates.watched_object import ObjectWatch
from nginx_webhooks.readiness import Readiness

log = logging.getLogger(__name__)

#: Seconds after which a step runs without a change: time itself makes renewals due.
TICK: Final = 10.0
#: The same while the next step is a matter of seconds.
TICK_PENDING: Final = 0.5


#: Seconds before the first retry after a failure and, doubled each time, at the most.
_FIRST_RETRY: Final = 0.5
_LONGEST_RETRY: Final = 30.0


class CertificateController:
    """The loop of one replica.

    Args:
        source: the Secret, and what is served from it.
        publication: the caBundles of both configurations.
        changed: set by the watches of both.
    """

    def __init__(
        self,
        *,
        source: Source,
        publication: CaBundleInjector,
        readiness: Readiness,
        changed: asyncio.Event,
        clock: Clock = utc_now,
    ) -> None:
        self._source = source
        self._publication = publication
        self._readiness = readiness
        self._changed = changed
        self._clock = clock
        self._complaint = ""

    async def run(self) -> None:
        """Watches and steps, for ever."""
        async with asyncio.TaskGroup() as tasks:
            for watch in self._watches:
                tasks.create_task(watch.run())
            tasks.create_task(self._loop())

    @property
    def _watches(self) -> tuple[ObjectWatch, ...]:
        return self._source.watch, *self._publication.watches

    def unhealthy(self) -> str | None:
        """Why only a restart can help, or None."""
        return health.standstill((str(watch), watch.turned) for watch in self._watches)

    async def _loop(self) -> None:
        backoff = Backoff(_FIRST_RETRY, _LONGEST_RETRY)
        while True:
            self._changed.clear()
            pause = TICK
            try:
                if await self.step():
                    pause = TICK_PENDING
            except WaitingError as error:
                self._complain(str(error), quiet=error.quiet)
                pause = error.seconds or TICK
            except ApiError as error:
                self._complain(error.message)
                pause = backoff.step(error.retry_after)
            except Exception:  # a fault of ours must not end the webhooks, which serve well without this loop for days
                log.exception("certificates: unexpected fault; retrying")
                pause = backoff.step()
            else:
                self._complain("")
                backoff.reset()
            await self._wait(pause)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    async def step(self) -> bool:
        """Does what is due at this moment. Returns whether more is due within moments.

        Raises:
            WaitingError: something is missing.
            ApiError: the API server refused, or is away.
        """
        now = self._clock()
        provided = await self._source.provide(now)
        if provided.wanted is not None:
            await self._publication.publish(provided.wanted, now, self._source.confirm)
        self._judge(now)
        if provided.complaint:
            raise WaitingError(provided.complaint)
        return provided.pending

    def _judge(self, now: datetime) -> None:
        """Ready as soon as the API server would accept the certificate, by both live configurations.

        Later on a certificate that it would refuse is only told of: without us no admission works either.
        """
        for watch, bundle in self._publication.live():
            if why := self._source.refusal(bundle, now):
                raise WaitingError(f"the caBundle of {watch} does not verify the certificate: {why}")
        if self._readiness.proven:
            return
        self._readiness.prove()
        log.info("ready: both webhook configurations trust the certificate")

    def _complain(self, text: str, *, quiet: bool = False) -> None:
        """One log line for each new fault, and the word for /readyz."""
        if text and text != self._complaint and not quiet:
            log.warning("certificates: %s; retrying", text)
        self._complaint = text
        if text and not self._readiness.proven:
            self._readiness.waiting_for = text
