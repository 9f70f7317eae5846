"""Keeps Secret, leaf and caBundles as they should be: one level-triggered step, run after every change.

    step:  authorities from the Secret (made, rotated, refilled)  ->  leaf  ->  caBundles  ->  ready?

A step looks at the present only and does nothing when nothing is amiss. Every replica runs it; resourceVersions
settle who writes. Leaves come from the authorities seen last, so an API server that is away stops no renewal.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from nginx_operator.cluster.client import ApiError
from nginx_webhooks.certificates import authority
from nginx_webhooks.certificates.authority import Authorities
from nginx_webhooks.certificates.bundle import Bundle, MissingWebhookError
from nginx_webhooks.certificates.live import Clock, LiveCertificate, utc_now
from nginx_webhooks.certificates.store import AuthorityStore, MalformedSecretError
from nginx_webhooks.certificates.watch import Backoff, ObjectWatch
from nginx_webhooks.metrics import Metrics
from nginx_webhooks.readiness import Readiness

log = logging.getLogger(__name__)

#: How long both caBundles must have carried a new CA before it signs: API servers learn of them by watches too.
SETTLE: Final = timedelta(seconds=10)
#: Seconds after which a step runs without a change: time itself makes renewals due.
TICK: Final = 10.0


class WaitingError(Exception):
    """Something is missing that somebody else must bring, or that comes by itself; the text says what.

    Attributes:
        quiet: whether it is no news: it passes within moments, or has been logged where it was noticed.
    """

    def __init__(self, text: str, *, quiet: bool = False) -> None:
        super().__init__(text)
        self.quiet = quiet


class Keeper:
    """The loop of one replica.

    Args:
        store: the Secret.
        bundles: the caBundles, of both configurations.
        server_names: DNS names of the leaf; the first is the one that the API server asks for.
        live: takes the leaf.
        changed: set by the watches of `store` and `bundles`.
    """

    def __init__(
        self,
        *,
        store: AuthorityStore,
        bundles: Sequence[Bundle],
        server_names: Sequence[str],
        live: LiveCertificate,
        readiness: Readiness,
        metrics: Metrics,
        changed: asyncio.Event,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._bundles = bundles
        self._server_names = server_names
        self._live = live
        self._readiness = readiness
        self._metrics = metrics
        self._changed = changed
        self._clock = clock
        self._kept: Authorities | None = None
        self._published: tuple[bytes, datetime] | None = None
        self._complaint = ""

    async def run(self) -> None:
        """Watches and steps, for ever."""
        async with asyncio.TaskGroup() as tasks:
            for watch in (self._store.watch, *(bundle.watch for bundle in self._bundles)):
                tasks.create_task(watch.run())
            tasks.create_task(self._loop())

    async def _loop(self) -> None:
        backoff = Backoff()
        while True:
            self._changed.clear()
            pause = TICK
            try:
                await self.step()
            except WaitingError as error:
                self._complain(str(error), quiet=error.quiet)
            except ApiError as error:
                self._complain(error.message)
                pause = backoff.failed(error.retry_after)
            except Exception:  # a fault of ours must not end the webhooks, which serve well without this loop for days
                log.exception("certificates: unexpected fault; retrying")
                pause = backoff.failed()
            else:
                self._complain("")
                backoff.succeeded()
            await self._wait(pause)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    async def step(self) -> None:
        """Does what is due at this moment.

        Raises:
            WaitingError: something is missing.
            ApiError: the API server refused, or is away.
        """
        now = self._clock()
        try:
            kept = await self._authorities(now)
        finally:
            if self._kept is not None:
                self._sign(self._kept, now)  # also while the Secret is out of reach
        await self._publish(kept)
        self._judge(now)

    async def _authorities(self, now: datetime) -> Authorities:
        """The authorities in the Secret, after the step of a rotation that is due."""
        watch = self._store.watch
        _require_seen(watch)
        if watch.object is None:
            raise WaitingError(f"there is no {watch}; 'helm upgrade' creates it, empty, and we fill it")
        found, malformed = None, ""
        try:
            found = self._store.read()
        except MalformedSecretError as error:
            malformed = f", which was malformed ({error})"
        # Wiped, for instance by a replacing upgrade: what this replica remembers is what the API servers trust.
        wanted, change = authority.rotated(found or self._kept, now, published=self._settled(found, now))
        if found is None and not change:
            change = "restored"
        if change:
            if not await self._store.write(wanted):
                raise WaitingError(f"{watch} has changed meanwhile", quiet=True)
            self._metrics.ca_changes.labels(change).inc()
            log.info("certificate authority %s in %s%s", change, watch, malformed)
        self._kept = wanted
        return wanted

    def _settled(self, found: Authorities | None, now: datetime) -> bool:
        """Whether both configurations have carried the whole bundle long enough."""
        if found is None or self._published is None:
            return False
        bundle, since = self._published
        return bundle == found.bundle and now - since >= SETTLE

    def _sign(self, kept: Authorities, now: datetime) -> None:
        """Loads a new leaf if there is none, if it is due, or if another authority signs by now."""
        leaf = self._live.certificate
        issuer = kept.current.certificate
        fresh = leaf is not None and leaf.issuer == issuer.subject and now < authority.renew_at(leaf)
        if fresh or not authority.valid(issuer, now):
            return
        issued = authority.issue(kept.current, self._server_names, now)
        self._live.load(issued.certificate_pem, issued.key_pem)
        log.info("new certificate, valid until %s", issued.certificate.not_valid_after_utc.isoformat())

    async def _publish(self, kept: Authorities) -> None:
        """Makes both caBundles equal to what the Secret says. A fault of one does not hold up the other."""
        faults: list[WaitingError | ApiError] = []
        wrote = False
        for bundle in self._bundles:
            try:
                wrote |= await self._publish_in(bundle, kept.bundle)
            except (WaitingError, ApiError) as error:
                faults.append(error)
        if faults:
            self._published = None
            raise next((fault for fault in faults if isinstance(fault, ApiError)), faults[0])
        if wrote or self._published is None or self._published[0] != kept.bundle:
            self._published = kept.bundle, self._clock()

    async def _publish_in(self, bundle: Bundle, wanted: bytes) -> bool:
        """Makes one caBundle equal to `wanted`; whether it had to be written."""
        if _live(bundle) == wanted:
            return False
        # This replica may lag behind another that has rotated: look at the Secret once more before writing.
        if not await self._store.confirm() or not await bundle.write(wanted):
            raise WaitingError(f"{bundle.watch} or {self._store.watch} has changed meanwhile", quiet=True)
        self._metrics.ca_bundle_writes.labels(bundle.watch.resource.kind).inc()
        log.info("wrote caBundle of %s", bundle.watch)
        return True

    def _judge(self, now: datetime) -> None:
        """Ready as soon as the API server would accept the certificate, by both live configurations.

        Later on a certificate that it would refuse is only told of: without us no admission works either.
        """
        leaf, name = self._live.certificate, self._server_names[0]
        if leaf is None:
            return
        for bundle in self._bundles:
            if not authority.verifies(_live(bundle), leaf, name, now):
                raise WaitingError(f"the caBundle of {bundle.watch} does not verify the certificate for {name}")
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


def _require_seen(watch: ObjectWatch) -> None:
    if not watch.seen:
        raise WaitingError(watch.fault or f"the first look at {watch}", quiet=True)


def _live(bundle: Bundle) -> bytes:
    """The caBundle that the API server uses.

    Raises:
        WaitingError: it is not known, or there is no such entry.
    """
    _require_seen(bundle.watch)
    try:
        return bundle.live
    except MissingWebhookError as error:
        raise WaitingError(str(error)) from error
