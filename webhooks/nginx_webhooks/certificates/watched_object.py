"""One object of the cluster by its name, kept up to date by list and watch.

The field selector metadata.name is what lets RBAC grant this for one name (resourceNames) and nothing more.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from nginx_operator.kube.client import Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import Resource

log = logging.getLogger(__name__)

Object = dict[str, Any]

#: Seconds before the first retry and, doubled each time, at the most.
RETRY_FIRST: Final = 0.5
RETRY_LAST: Final = 30.0


class Backoff:
    """Growing pauses between failures, in seconds."""

    def __init__(self, first: float = RETRY_FIRST, last: float = RETRY_LAST) -> None:
        self._first, self._last = first, last
        self._next = first

    def failed(self, at_least: float = 0.0) -> float:
        """How long to wait now."""
        now, self._next = self._next, min(self._next * 2, self._last)
        return max(now, at_least)

    def succeeded(self) -> None:
        """The next failure is a first one."""
        self._next = self._first


class _ListMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""


class _List(msgspec.Struct):
    metadata: _ListMeta
    items: list[Object] | None = None


class _Event(msgspec.Struct):
    type: str
    object: Object = {}


class ObjectWatch:
    """The present state of one object.

    Args:
        changed: called after each change, each list, and each fault that is new.

    Attributes:
        seen: whether the API server has answered at all.
        object: the object; None while there is none.
        fault: why it cannot be watched at this moment; empty when it can.
        turned: when it last asked or heard something, by the monotonic clock.
    """

    def __init__(
        self, client: Client, resource: Resource, namespace: str | None, name: str, changed: Callable[[], None]
    ) -> None:
        self.client = client
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.seen = False
        self.object: Object | None = None
        self.fault = ""
        self.turned = time.monotonic()
        self._changed = changed
        self._backoff = Backoff()

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.resource.kind} {where}{self.name}"

    def observed(self, found: Object | None) -> None:
        """Takes in a state that a write, a read or an event shows. An event that a write has overtaken is dropped.

        What is known already is no change: a write that changes nothing must not wake who wrote it.
        """
        if found is not None and self.object is not None and _number(found) < _number(self.object):
            return
        known = self.seen and version(found or {}) == version(self.object or {})
        self.object = found
        if not known:
            self._news()

    async def still(self, seen: str) -> bool:
        """Whether the object has the resourceVersion `seen` at this moment; empty: is not there. Takes in what is new.

        Raises:
            ApiError: it cannot be read.
        """
        found: Object | None = None
        try:
            found = msgspec.json.decode(await self.client.get(self.resource, self.namespace, self.name))
        except ApiError as error:
            if error.code != 404:
                raise
        if version(found or {}) == seen:
            return True
        self.observed(found)
        return False

    async def run(self) -> None:
        """Watches for ever."""
        while True:
            self.turned = time.monotonic()
            try:
                await self._follow(await self._list())
                await asyncio.sleep(RETRY_FIRST)  # a proxy may end every watch at once
            except ApiError as error:
                self._broken(error.message)
                await asyncio.sleep(self._backoff.failed(error.retry_after))
            except (msgspec.MsgspecError, ValueError) as error:
                self._broken(f"unreadable answer: {error}")
                await asyncio.sleep(self._backoff.failed())

    async def _list(self) -> str:
        """Reads the object and returns the resourceVersion to watch from."""
        answer = await self.client.list(self.resource, self.namespace, **self._selector)
        found = msgspec.json.decode(answer, type=_List)
        # Whatever the list says is newer, even after etcd was restored from a backup.
        self.object = found.items[0] if found.items else None
        self._news()
        return found.metadata.resource_version

    async def _follow(self, version: str) -> None:
        """Takes in events until the server ends the watch. An error event (410, history is gone) ends it too."""
        params = {**self._selector, "resourceVersion": version}
        async for line in self.client.watch(self.resource, self.namespace, params):
            self._works()
            event = msgspec.json.decode(line, type=_Event)
            match event.type:
                case "ADDED" | "MODIFIED":
                    self.observed(event.object)
                case "DELETED":
                    self.observed(None)
                case "ERROR":
                    return

    def _news(self) -> None:
        self.seen = True
        self._changed()

    def _works(self) -> None:
        """An event came, or a bookmark as it does every minute. A list alone proves nothing: watch is another right."""
        self.turned = time.monotonic()
        self._backoff.succeeded()
        if self.fault:
            log.info("watching %s again", self)
            self.fault = ""

    def _broken(self, why: str) -> None:
        fault = f"cannot watch {self}: {why}"
        if fault != self.fault:
            self.fault = fault
            log.warning("%s; retrying", fault)
            self._changed()

    @property
    def _selector(self) -> dict[str, str]:
        return {"fieldSelector": f"metadata.name={self.name}"}


def version(found: Object) -> str:
    """metadata.resourceVersion; empty if there is none."""
    return str(found.get("metadata", {}).get("resourceVersion", ""))


def _number(found: Object) -> int:
    """metadata.resourceVersion as a number, which grows with each write (promised since 1.35, KEP-5504)."""
    text = version(found)
    return int(text) if text.isdigit() else 0
