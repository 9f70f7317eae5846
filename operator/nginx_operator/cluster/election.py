"""Leader election by a Lease (coordination.k8s.io/v1), with the rules of client-go's leaderelection package.

A Lease is no mutual exclusion: the holder may be paused and not know that its time is over. So the holder stops by
its own monotonic clock before others may start, the process ends when the Lease is lost, and writes that destroy
carry preconditions.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from nginx_operator.cluster.client import ApiError, Client
from nginx_operator.cluster.resources import LEASES

log = logging.getLogger(__name__)

#: Seconds without a renewal after which others may take the Lease.
LEASE_DURATION: Final = 15.0
#: Seconds without a successful renewal after which the holder gives up; less than the duration, by its own clock.
RENEW_DEADLINE: Final = 10.0
#: Seconds between tries.
RETRY_PERIOD: Final = 2.0


class LostLeaseError(Exception):
    """We held the Lease and do not any more. The process has to end."""


@dataclass(slots=True)
class _Seen:
    """The last record of another holder, and when we saw it change, by our own monotonic clock."""

    record: tuple[str, str] = ("", "")
    at: float = 0.0


class Elector:
    """Holds the Lease for this process.

    Attributes:
        leading: set while we hold it.
    """

    def __init__(self, client: Client, namespace: str, name: str, identity: str) -> None:
        self.leading = asyncio.Event()
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._seen = _Seen()
        self._said = ""

    async def run(self) -> None:
        """Waits for the Lease, then keeps it.

        Raises:
            LostLeaseError: it was lost; never returns otherwise, but by cancellation.
        """
        while not await self._try():  # noqa: ASYNC110 - the event is in the cluster
            await asyncio.sleep(RETRY_PERIOD)
        self.leading.set()
        log.info("leading: %s holds Lease %s/%s", self._identity, self._namespace, self._name)
        renewed = time.monotonic()
        while True:
            await asyncio.sleep(RETRY_PERIOD)
            started = time.monotonic()
            left = renewed + RENEW_DEADLINE - started
            try:
                async with asyncio.timeout(max(left, 0.0)):
                    held = await self._try()
            except TimeoutError:
                held = False
            if held:
                renewed = started  # from before the request: the server may have stored it at once
            elif time.monotonic() - renewed >= RENEW_DEADLINE or self._seen.record[0] not in ("", self._identity):
                self.leading.clear()
                raise LostLeaseError(f"Lease {self._namespace}/{self._name} was lost; another process may lead now")

    async def release(self) -> None:
        """Gives the Lease up, so that a standby need not wait until it expires."""
        if not self.leading.is_set():
            return
        self.leading.clear()
        try:
            lease = await self._get()
            if lease is not None and lease["spec"].get("holderIdentity") == self._identity:
                lease["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _now()}
                await self._client.update(LEASES, self._namespace, self._name, lease)
                log.info("released Lease %s/%s", self._namespace, self._name)
        except ApiError as error:
            log.warning("Lease %s/%s not released, it will expire: %s", self._namespace, self._name, error.message)

    async def _try(self) -> bool:
        """Takes or renews the Lease if we may. Returns whether we hold it."""
        try:
            lease = await self._get()
            if lease is None:
                body = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": {"name": self._name}}
                await self._client.create(LEASES, self._namespace, body | {"spec": self._record({})})
                return True
            spec = lease.setdefault("spec", {})
            if not self._may_take(spec):
                self._say(f"standing by: {spec.get('holderIdentity')} holds Lease {self._namespace}/{self._name}")
                return False
            lease["spec"] = self._record(spec)
            await self._client.update(LEASES, self._namespace, self._name, lease)
        except ApiError as error:
            if error.code != 409:  # 409: somebody was faster; look again
                self._say(f"cannot hold Lease {self._namespace}/{self._name}: {error.message}", logging.WARNING)
            return False
        self._seen = _Seen()
        return True

    def _may_take(self, spec: dict[str, Any]) -> bool:
        holder = spec.get("holderIdentity") or ""
        if holder in ("", self._identity):
            return True
        # The other's clock is not ours: its record counts from when we saw it change.
        record = (holder, str(spec.get("renewTime")))
        if record != self._seen.record:
            self._seen = _Seen(record, time.monotonic())
        return time.monotonic() - self._seen.at >= float(spec.get("leaseDurationSeconds") or LEASE_DURATION)

    def _record(self, before: dict[str, Any]) -> dict[str, Any]:
        now, same = _now(), before.get("holderIdentity") == self._identity
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(LEASE_DURATION),
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

    def _say(self, what: str, level: int = logging.INFO) -> None:
        """Logs a state once, not at each try."""
        if what != self._said:
            log.log(level, what)
        self._said = what


def _now() -> str:
    """metav1.MicroTime of now."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
