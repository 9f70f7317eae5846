"""Leader election by a Lease (coordination.k8s.io/v1), with the rules of client-go's leaderelection package.

A Lease is no mutual exclusion: the holder may be paused and not know that its time is over. So the holder stops
writing by its own monotonic clock before others may start, the process ends when somebody else took the Lease, and
writes that destroy carry preconditions.

Unlike client-go's, a holder that could not renew in time does not end for that alone: while the API server is away
nobody else can take the Lease either. It writes nothing until it has renewed, and goes on if it was still the holder.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, Self

import msgspec

from nginx_operator.kube.client import Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import LEASES
from nginx_operator.logs import LogOnChange
from nginx_operator.runtime.service_account import as_owner

log = logging.getLogger(__name__)

#: Seconds that giving up the Lease may take at the end; a standby waits no longer than the Lease lasts anyway.
_RELEASE_SECONDS: Final = 2.0


class LostLeaseError(Exception):
    """We held the Lease and do not any more. The process has to end."""


@dataclass(frozen=True, slots=True)
class LeaseTimings:
    """The times of an election, all in seconds and in client-go's proportions.

    Attributes:
        duration: without a renewal for so long, others may take the Lease (client-go: LeaseDuration).
        renew_deadline: without a successful renewal for so long, the leader stops writing; less than `duration`.
        renew: between two renewals (client-go: RetryPeriod of the leader).
        retry: after a renewal that failed, and between two tries of a standby; a Lease that was released is taken after
            so long at the latest.
    """

    duration: int
    renew_deadline: float
    renew: float
    retry: float

    @classmethod
    def of(cls, duration: int) -> Self:
        """The times that go with a duration: 15 s gives a deadline of 10, renewals every 2 s, tries every second."""
        return cls(duration, duration * 2 / 3, duration * 2 / 15, min(duration / 15, 1.0))


@dataclass(slots=True)
class _ObservedRecord:
    """The last record of another holder, and when it was seen to change, by our own monotonic clock."""

    record: tuple[str, str] = ("", "")
    at: float = 0.0


class LeaderElector:
    """Holds the Lease for this process.

    Args:
        client: how to reach it.
        namespace, name: the Lease.
        identity: who holds it; unique to a process.
        timings: when it is renewed, and when it expires.

    Attributes:
        leading: set while this process holds it.
    """

    def __init__(self, client: Client, namespace: str, name: str, identity: str, timings: LeaseTimings) -> None:
        self.leading = asyncio.Event()
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._timings = timings
        self._lease = f"Lease {namespace}/{name}"
        self._ours: dict[str, Any] | None = None
        self._until = 0.0
        self._observed = _ObservedRecord()
        self._states = LogOnChange(log)

    async def run(self) -> None:
        """Waits for the Lease, then keeps it.

        Raises:
            LostLeaseError: somebody else took it; never returns otherwise, but by cancellation.
        """
        while not await self._try_to_hold():  # noqa: ASYNC110 - the event is in the cluster
            await asyncio.sleep(self._timings.retry)
        self.leading.set()
        log.info("leading: %s holds %s", self._identity, self._lease)
        held, lapsed = True, False
        while True:
            await asyncio.sleep(self._timings.renew if held else self._timings.retry)
            held = await self._try_to_hold()
            if lapsed == self.is_leader():
                lapsed = not lapsed
                what = "not renewed in time; nothing is written until it is" if lapsed else "renewed; writing again"
                log.warning("%s was %s", self._lease, what)

    def is_leader(self) -> bool:
        """Whether this process may write now: it holds the Lease, and its renewal is recent enough."""
        return self.leading.is_set() and time.monotonic() < self._until

    async def release(self) -> None:
        """Releases the Lease, so that a standby need not wait until it expires."""
        if not self.leading.is_set():
            return
        self.leading.clear()
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._write_release()
        except (ApiError, TimeoutError) as error:
            why = str(error) or f"no answer within {_RELEASE_SECONDS:g} s"
            log.warning("%s not released, it will expire: %s", self._lease, why)

    async def _write_release(self) -> None:
        lease = await self._get()
        if lease is not None and lease["spec"].get("holderIdentity") == self._identity:
            lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _now()}
            await self._client.update(LEASES, self._namespace, self._name, lease)
            log.info("released %s", self._lease)

    async def _try_to_hold(self) -> bool:
        """Takes or renews the Lease if we may, within the deadline. Returns whether we hold it.

        A leader gives up a request after half of it, as controller-runtime does: where no answer comes because the
        connection is dead, time is left for another one.
        """
        seconds = self._timings.renew_deadline / (2 if self.is_leader() else 1)
        started = time.monotonic()  # from before the request: the server may have stored it at once
        try:
            async with asyncio.timeout(seconds):
                held = await self._acquire_or_renew()
        except TimeoutError:
            return False
        except ApiError as error:
            if error.code != HTTPStatus.CONFLICT:  # somebody was faster; look again
                self._states.log(logging.WARNING, f"cannot hold {self._lease}: {error.explained}")
            return False
        if held:
            self._until = started + self._timings.renew_deadline
        return held

    async def _acquire_or_renew(self) -> bool:
        kept, self._ours = self._ours, None
        if kept is not None:  # most likely it is still what is stored, so no read is needed
            try:
                await self._store(kept)
                return True
            except ApiError as error:
                if error.code not in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND):
                    raise
        lease = await self._get()
        holder = (lease or {}).get("spec", {})
        self._check_not_lost(holder.get("holderIdentity") or "")
        if not self._may_take(holder):
            self._states.log(logging.INFO, f"standing by: {holder.get('holderIdentity')} holds {self._lease}")
            return False
        await self._store(lease)
        return True

    async def _store(self, lease: dict[str, Any] | None) -> None:
        """Writes our record, over exactly the state that was read."""
        if lease is None:
            # Owned only from its creation on: to add an owner later, some clusters ask for the right to delete.
            owners = as_owner(self._client.config.token(), self._namespace)
            metadata = {"name": self._name, "ownerReferences": owners}
            new = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata}
            raw = await self._client.create(LEASES, self._namespace, new | {"spec": self._record({})})
        else:
            spec = lease.get("spec", {})
            new = lease | {"spec": spec | self._record(spec)}
            raw = await self._client.update(LEASES, self._namespace, self._name, new)
        self._ours = msgspec.json.decode(raw)
        self._observed = _ObservedRecord()

    def _check_not_lost(self, holder: str) -> None:
        """Raises LostLeaseError if we led and another process may have led since: one that holds the Lease now, or,
        after our time was over, one that has given it up again.
        """
        if self.leading.is_set() and holder != self._identity and (holder or not self.is_leader()):
            self.leading.clear()
            now = f"{holder} holds it" if holder else "nobody holds it, and another process may have led meanwhile"
            raise LostLeaseError(f"{self._lease} was lost: {now}")

    def _may_take(self, spec: dict[str, Any]) -> bool:
        holder = spec.get("holderIdentity") or ""
        if holder in ("", self._identity):
            return True
        # The other's clock is not ours: its record counts from when we saw it change.
        record = (holder, str(spec.get("renewTime")))
        if record != self._observed.record:
            self._observed = _ObservedRecord(record, time.monotonic())
        return time.monotonic() - self._observed.at >= float(spec.get("leaseDurationSeconds") or self._timings.duration)

    def _record(self, before: dict[str, Any]) -> dict[str, Any]:
        now, same = _now(), before.get("holderIdentity") == self._identity
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": self._timings.duration,
            "acquireTime": before.get("acquireTime", now) if same else now,
            "renewTime": now,
            "leaseTransitions": int(before.get("leaseTransitions") or 0) + (0 if same or not before else 1),
        }

    async def _get(self) -> dict[str, Any] | None:
        try:
            lease: dict[str, Any] = msgspec.json.decode(await self._client.get(LEASES, self._namespace, self._name))
        except ApiError as error:
            if error.code == 404:
                return None
            raise
        return lease


def _now() -> str:
    """metav1.MicroTime of now."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
