"""The caBundles of both configurations: seen, kept right, and known to have been right for long enough.

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
from nginx_webhooks.certificates.ca_bundle import Bundle, MissingWebhookError
from nginx_webhooks.certificates.pem import certificates
from nginx_webhooks.certificates.watched_object import ObjectWatch
from nginx_webhooks.metrics import Metrics

log = logging.getLogger(__name__)

#: How long a shared bundle may hold more than this replica needs.
LINGER: Final = timedelta(minutes=1)
#: Times that what somebody else undoes is written again at once: more than all who deploy do in a row.
AT_ONCE: Final = 10
#: Seconds between two writes after that, so that two who disagree do not write as fast as the API server lets them.
PERIOD: Final = 5.0


class WaitingError(Exception):
    """Something is missing that somebody else must bring, or that comes by itself; the text says what.

    Attributes:
        quiet: whether it is no news: it passes within moments, or has been logged where it was noticed.
        seconds: after which to look again if nothing changes; 0 where there is no hurry.
    """

    def __init__(self, text: str, *, quiet: bool = False, seconds: float = 0.0) -> None:
        super().__init__(text)
        self.quiet = quiet
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caBundles should be.

    Attributes:
        bundle: PEM.
        shared: whether other replicas may need more at this moment.
    """

    bundle: bytes
    shared: bool = False


class CaBundleInjector:
    """Both configurations.

    Args:
        bundles: one for each.
        metrics: counts the writes.
    """

    def __init__(self, bundles: Sequence[Bundle], metrics: Metrics) -> None:
        self._bundles = bundles
        self._metrics = metrics
        self._since: tuple[bytes, datetime] | None = None
        self._surplus_since: dict[ObjectWatch, datetime] = {}
        self._written: dict[ObjectWatch, bytes] = {}
        self._buckets: dict[ObjectWatch, TokenBucket] = {watch: TokenBucket(AT_ONCE, PERIOD) for watch in self.watches}

    @property
    def watches(self) -> tuple[ObjectWatch, ...]:
        """What must be followed for it."""
        return tuple(bundle.watch for bundle in self._bundles)

    def live(self) -> Iterator[tuple[ObjectWatch, bytes]]:
        """Each caBundle that the API server uses, with the configuration that holds it.

        Raises:
            WaitingError: one is not known, or there is no such entry.
        """
        for bundle in self._bundles:
            for found in _live(bundle):
                yield bundle.watch, found

    def carried(self, bundle: bytes, now: datetime) -> timedelta:
        """How long both configurations have carried exactly this bundle; negative if they do not."""
        if self._since is None or self._since[0] != bundle:
            return timedelta(-1)
        return now - self._since[1]

    async def publish(self, wanted: Wanted, now: datetime, confirm: Callable[[], Awaitable[bool]]) -> None:
        """Makes both right. A fault of one does not hold up the other.

        Args:
            wanted: what they should be.
            now: the time.
            confirm: asks, before a write, whether `wanted` is still the latest.

        Raises:
            WaitingError: something is missing, or has changed meanwhile.
            ApiError: the API server refused.
        """
        faults: list[WaitingError | ApiError] = []
        wrote = False
        for bundle in self._bundles:
            try:
                wrote |= await self._publish_in(bundle, wanted, now, confirm)
            except (WaitingError, ApiError) as error:
                faults.append(error)
        if faults:
            self._since = None
            raise next((fault for fault in faults if isinstance(fault, ApiError)), faults[0])
        if wrote or self._since is None or self._since[0] != wanted.bundle:
            self._since = wanted.bundle, now

    async def _publish_in(
        self, bundle: Bundle, wanted: Wanted, now: datetime, confirm: Callable[[], Awaitable[bool]]
    ) -> bool:
        """Makes one configuration right; whether it had to be written."""
        live = _live(bundle)
        if all(found == wanted.bundle for found in live):
            self._surplus_since.pop(bundle.watch, None)
            return False
        harmless = wanted.shared and all(_contains(found, wanted.bundle) for found in live)
        if harmless and now - self._surplus_since.setdefault(bundle.watch, now) < LINGER:
            return False
        self._expect_budget(bundle.watch, wanted, now)
        # This replica may lag behind another: look once more before writing.
        if not await confirm() or not await bundle.write(wanted.bundle):
            raise WaitingError(f"{bundle.watch}, or what is to be written there, has changed meanwhile", quiet=True)
        self._surplus_since.pop(bundle.watch, None)
        self._written[bundle.watch] = wanted.bundle
        self._metrics.ca_bundle_writes.labels(bundle.watch.resource.kind).inc()
        log.info("wrote caBundle of %s", bundle.watch)
        return True

    def _expect_budget(self, watch: ObjectWatch, wanted: Wanted, now: datetime) -> None:
        """Raises WaitingError where somebody else has undone the same too often of late."""
        if self._written.get(watch) != wanted.bundle:
            return
        if seconds := self._buckets[watch].take(now.timestamp()):
            text = f"somebody else keeps changing the caBundle of {watch}; it is put back once in {PERIOD:g} s"
            raise WaitingError(text, seconds=seconds)


def require_seen(watch: ObjectWatch) -> None:
    """Raises WaitingError while the API server has not answered at all."""
    if not watch.seen:
        raise WaitingError(watch.fault or f"the first look at {watch}", quiet=True)


def _live(bundle: Bundle) -> tuple[bytes, ...]:
    require_seen(bundle.watch)
    try:
        return bundle.live
    except MissingWebhookError as error:
        raise WaitingError(str(error)) from error


def _contains(live: bytes, wanted: bytes) -> bool:
    """Whether one bundle holds all certificates of another."""
    try:
        return set(certificates(wanted)) <= set(certificates(live))
    except ValueError:
        return False
