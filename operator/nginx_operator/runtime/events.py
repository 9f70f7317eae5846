"""What users read in `kubectl describe nginx`: one Event a change, none at a reconcile that changes nothing.

An Event's name is made of its Nginx and its text, so the same thing told again counts up instead of filling the
namespace (as client-go's correlator does, but with no memory of its own).
"""

import hashlib
import logging
import time
from http import HTTPStatus
from typing import Any, Final

import msgspec

from nginx_operator.api import names
from nginx_operator.api.truncation import truncated
from nginx_operator.api.types import Nginx
from nginx_operator.decide.event_messages import EventMessage
from nginx_operator.kube.client import MERGE, Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import EVENTS

log = logging.getLogger(__name__)

#: The API server refuses a longer note.
_NOTE_LENGTH: Final = 1024


class EventRecorder:
    """Writes Events. One that cannot be written is logged and dropped: it must never hold up a reconcile."""

    def __init__(self, client: Client, instance: str) -> None:
        self._client = client
        self._instance = instance
        self._forbidden = False

    async def record_event(self, nginx: Nginx, event_message: EventMessage | None) -> None:
        """Writes one Event about an Nginx; with None, nothing."""
        if event_message is None:
            return
        kind, reason, message = event_message
        meta = nginx.metadata
        log.info("[%s/%s] %s: %s", meta.namespace, meta.name, reason, message)
        digest = hashlib.sha256(f"{meta.uid} {reason} {message}".encode()).hexdigest()[:16]
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{meta.name}.{digest}", "namespace": meta.namespace},
            "involvedObject": {
                "apiVersion": names.API_VERSION,
                "kind": names.KIND,
                "namespace": meta.namespace,
                "name": meta.name,
                "uid": meta.uid,
                "resourceVersion": meta.resource_version,
            },
            "type": kind,
            "reason": reason,
            "message": truncated(message, _NOTE_LENGTH),
            "source": {"component": names.FIELD_MANAGER},
            "reportingComponent": names.FIELD_MANAGER,
            "reportingInstance": self._instance,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            await self._create_or_count(event)
        except ApiError as error:
            forbidden = error.code == HTTPStatus.FORBIDDEN
            level = logging.WARNING if forbidden and not self._forbidden else logging.DEBUG  # all the others are, too
            self._forbidden = forbidden
            log.log(level, "[%s/%s] event %s not written: %s", meta.namespace, meta.name, reason, error.message)

    async def _create_or_count(self, event: dict[str, Any]) -> None:
        namespace, name = event["metadata"]["namespace"], event["metadata"]["name"]
        try:
            await self._client.create(EVENTS, namespace, event)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            known = msgspec.json.decode(await self._client.get(EVENTS, namespace, name))
            again = {"count": known.get("count", 1) + 1, "lastTimestamp": event["lastTimestamp"]}
            await self._client.request("PATCH", EVENTS.path(namespace, name), again, content_type=MERGE)
