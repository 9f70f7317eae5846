"""Mode `auto`: the replicas keep a certificate authority in the Secret, and each signs its own leaf in memory.

    authorities from the Secret (made, rotated, refilled)  ->  leaf

Leaves come from the authorities seen last, so an API server that is away stops no renewal.
"""

import logging
from collections.abc import Hashable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from nginx_webhooks.certificates import authority
from nginx_webhooks.certificates.authority import Authorities, RotationError
from nginx_webhooks.certificates.ca_injector import CaBundleInjector, WaitingError, Wanted, require_seen
from nginx_webhooks.certificates.serving_certificate import ServingCertificate
from nginx_webhooks.certificates.source import Provision
from nginx_webhooks.certificates.store import AuthorityStore, MalformedSecretError
from nginx_webhooks.metrics import Metrics

log = logging.getLogger(__name__)

#: How long both caBundles must have carried a new CA before it signs: API servers learn of them by watches too.
SETTLE: Final = timedelta(seconds=10)
#: The pause before one step is taken again, doubled each time, and its bound.
REPEAT_FIRST: Final = timedelta(seconds=10)
REPEAT_LAST: Final = timedelta(minutes=5)


class Repeats:
    """Paces a step that is due again although it was taken, because somebody undoes it."""

    def __init__(self) -> None:
        self._step: Hashable = None
        self._at = datetime.min.replace(tzinfo=UTC)
        self._pause = REPEAT_FIRST

    def too_soon(self, step: Hashable, now: datetime) -> bool:
        """Whether this very step was taken a moment ago."""
        return step == self._step and timedelta(0) <= now - self._at < self._pause

    def took(self, step: Hashable, now: datetime) -> None:
        """To be told of each step."""
        again = step == self._step and now - self._at < 2 * self._pause
        self._pause = min(self._pause * 2, REPEAT_LAST) if again else REPEAT_FIRST
        self._step, self._at = step, now


class SelfSignedSource:
    """The source of one replica.

    Args:
        store: the Secret.
        publication: tells how long the caBundles have been right.
        server_names: DNS names of the leaf; the first is the one that the API server asks for.
        live: takes the leaf.
    """

    def __init__(
        self,
        *,
        store: AuthorityStore,
        publication: CaBundleInjector,
        server_names: Sequence[str],
        live: ServingCertificate,
        metrics: Metrics,
    ) -> None:
        self.watch = store.watch
        self._store = store
        self._publication = publication
        self._server_names = server_names
        self._live = live
        self._metrics = metrics
        self._kept: Authorities | None = None
        self._repeats = Repeats()
        self._undone = ""

    async def provide(self, now: datetime) -> Provision:
        """Authorities after the step that is due, and a leaf by the one that signs.

        Raises:
            WaitingError, ApiError: as in `Source`. The leaf is renewed nevertheless.
        """
        try:
            self._kept = kept = await self._authorities(now)
        finally:
            if self._kept is not None:
                self._sign(self._kept, now)  # also while the Secret is out of reach
        self._metrics.ca_expiry.set(kept.current.certificate.not_valid_after_utc.timestamp())
        return Provision(Wanted(kept.bundle), self._undone, pending=kept.upcoming is not None)

    async def confirm(self) -> bool:
        """Whether the Secret is still as it was seen.

        Raises:
            ApiError: it cannot be read.
        """
        return await self._store.confirm()

    def refusal(self, bundle: bytes, now: datetime) -> str:
        """Why a client that trusts `bundle` would refuse the leaf; empty when it would not."""
        leaf, name = self._live.certificate, self._server_names[0]
        if leaf is not None and authority.verifies(bundle, leaf, name, now):
            return ""
        return f"none of its authorities has signed it for {name}, or the dates do not fit"

    async def _authorities(self, now: datetime) -> Authorities:
        """The authorities in the Secret, after the step of a rotation that is due."""
        require_seen(self.watch)
        if self.watch.object is None:
            raise WaitingError(
                f"there is no {self.watch}; 'helm upgrade' in this mode creates it, empty, or 'helm rollback' does"
            )
        found, malformed = None, ""
        try:
            found = self._store.read()
        except MalformedSecretError as error:
            malformed = str(error)
        wanted, change = self._due(found, now, emptied=not malformed)
        self._undone = ""
        step = change, *replace(wanted, upcoming=None).trusted
        if change and self._repeats.too_soon(step, now):
            self._undone = (
                f"somebody undoes what is written to {self.watch}: again it asks for the step '{change}', which is "
                "taken at a growing pace"
            )
            return found or self._kept or wanted
        if change:
            if not await self._store.write(wanted):
                raise WaitingError(f"{self.watch} has changed meanwhile", quiet=True)
            self._repeats.took(step, now)
            self._metrics.ca_changes.labels(change).inc()
            log.info(
                "certificate authority %s in %s%s",
                change,
                self.watch,
                f", malformed before: {malformed}" * bool(malformed),
            )
        return wanted

    def _due(self, found: Authorities | None, now: datetime, *, emptied: bool) -> tuple[Authorities, str]:
        """What should be in the Secret, and what makes it differ from `found`, in a word."""
        if found is not None:
            return authority.rotated(found, now, published=self._publication.carried(found.bundle, now) >= SETTLE)
        wanted, change = authority.rotated(self._kept, now, published=False)
        if not change:
            # What this replica remembers is what the API servers trust. Somebody who took the data away may have
            # wanted a rotation, so one begins, within bounds: an upgrade that replaces the Secret does the same.
            change = "restored"
            if emptied:
                try:
                    wanted = authority.begun(wanted, now)
                except RotationError as error:
                    log.info("no rotation: %s", error)
        return wanted, change

    def _sign(self, kept: Authorities, now: datetime) -> None:
        """Loads a new leaf if there is none, if it is due, or if another authority signs by now."""
        leaf = self._live.certificate
        issuer = kept.current.certificate
        fresh = (
            leaf is not None
            and leaf.issuer == issuer.subject
            and leaf.not_valid_before_utc <= now < authority.renew_at(leaf)
        )
        if fresh or not authority.valid(issuer, now):
            return
        issued = authority.issue(kept.current, self._server_names, now)
        self._live.load(issued.certificate_pem, issued.key_pem)
        log.info("new certificate, valid until %s", issued.certificate.not_valid_after_utc.isoformat())
