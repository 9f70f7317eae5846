"""Writes the status of an Nginx, only if it changed, and not too often; then tells the user."""

import time
from http import HTTPStatus
from typing import Any

from nginx_operator.api.types import Nginx
from nginx_operator.cache.caches import Caches
from nginx_operator.decide import event_messages
from nginx_operator.decide import status as deciding
from nginx_operator.decide.observation import Observation
from nginx_operator.kube.client import Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import NGINXES
from nginx_operator.reconcile.memo import ReconcileMemo
from nginx_operator.reconcile.status_throttle import StatusThrottle
from nginx_operator.reconcile.write_conflicts import record_contested
from nginx_operator.runtime.events import EventRecorder
from nginx_operator.runtime.workqueue import RetryLater


class StatusWriter:
    """Writes statuses."""

    def __init__(self, client: Client, caches: Caches, recorder: EventRecorder) -> None:
        self._client = client
        self._caches = caches
        self._recorder = recorder

    async def write(self, nginx: Nginx, memo: ReconcileMemo, observation: Observation, pending: int) -> float:
        """Makes the stored status say what was observed.

        Args:
            nginx: with the status as it is stored.
            memo: of this Nginx.
            observation: what the status is computed from.
            pending: how many Nginx wait to be reconciled.

        Returns:
            The seconds after which to look again: the write is put off, or time alone changes the status; 0 if never.

        Raises:
            RetryLater: the Nginx has changed meanwhile, or somebody else keeps undoing what is written.
            ApiError: the API server refused for another reason.
        """
        new = deciding.compute(nginx.metadata, nginx.status, observation)
        later = deciding.changes_in(new, observation)
        if new == nginx.status:
            return later
        now = time.monotonic()
        memo.throttle = memo.throttle or StatusThrottle()
        if deciding.says_the_same(nginx.status, new, observation.count):
            delay = memo.throttle.delay(now, pending)
            if delay > 0:
                return min(delay, later or delay)
        if wait := memo.conflicts.retry_status(nginx.status, now):
            await record_contested(self._recorder, nginx, memo.conflicts)
            return wait
        if not await self._store(nginx, new):
            return 0.0
        memo.conflicts.wrote_status(new)
        if deciding.stored_condition(new, "Ready")["status"] == "True":
            memo.throttle = None
        else:
            memo.throttle.wrote(now, pending)
        told = event_messages.of_status(nginx.status, new) or event_messages.of_cause(
            nginx.status, observation.pod_event
        )
        await self._recorder.record_event(nginx, told)
        return later

    async def _store(self, nginx: Nginx, new: dict[str, Any]) -> bool:
        """Returns False if the Nginx was deleted meanwhile; the watch will tell."""
        meta = nginx.metadata
        gone = {field: None for field in nginx.status if field not in new}
        # Preconditions: what was computed of one state never lands on a later one, or on a successor of the same name.
        metadata = {"uid": meta.uid, "resourceVersion": meta.resource_version}
        body = {"metadata": metadata, "status": {**new, **gone}}
        try:
            raw = await self._client.merge(NGINXES, meta.namespace, meta.name, body, "status")
        except ApiError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return False
            if error.code == HTTPStatus.CONFLICT:
                raise RetryLater("the Nginx has changed; waiting for the cache to catch up") from error
            raise
        self._caches.observe_write(NGINXES.plural, meta.key, raw)
        return True
