"""Lists and watches one kind into a store, as client-go's Reflector does.

It keeps a store equal to the API server's state at some resourceVersion. Both processes watch by it, whatever they
watch.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, Literal, Protocol, TypeVar

import msgspec

from nginx_operator.kube.backoff import Backoff
from nginx_operator.kube.client import Client, Params
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import Resource
from nginx_operator.logs import LogOnChange

log = logging.getLogger(__name__)

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

#: What a watch says of an object (metav1.WatchEvent).
EventType = Literal["ADDED", "MODIFIED", "DELETED"]

_PAGE: Final = "500"
_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 30.0
_JITTER: Final = 0.2
#: Seconds. A watch that ends sooner and told nothing counts as a failure: a proxy may end every watch at once.
_SHORT_WATCH: Final = 1.0


class Store(Protocol[T_contra]):
    """Where a reflector puts what it was told, in the order in which it was."""

    def replace(self, objects: Sequence[T_contra], resource_version: str) -> None:
        """Takes a whole list, which was true at `resource_version`: whatever is not in it is gone."""

    def observe(self, event: EventType, item: T_contra) -> None:
        """Takes one event of the watch."""


def of_metadata(item: Any) -> str:
    """The resourceVersion of a typed object."""
    version: str = item.metadata.resource_version
    return version


class Reflector(Generic[T]):
    """One list and watch.

    Args:
        client: where to read.
        resource: what to read.
        decoded: the type that objects are decoded into.
        store: takes the objects.
        namespace: None means all, or the cluster's scope.
        selector: which objects, as parameters of list and watch.
        transform: what is kept of an object, applied to each as it comes, so that a long list takes little memory.
        resource_version: reads metadata.resourceVersion of a decoded object.
        described: what log lines and `fault` call that which is watched; its plural by default.
        metadata_only: whether metadata is all that is asked for (metav1.PartialObjectMetadata).
        on_fault: called when `fault` has changed to another fault.

    Attributes:
        synced: set once the first list is in the store.
        fault: why nothing can be watched at this moment; empty while it can.
        missing: whether the API server does not serve the resource: its CustomResourceDefinition is not there.
        forbidden: whether a list was refused for want of permission, and none has succeeded since.
        restarts: how often a watch was started.
        turned: when it last asked or heard something, or will ask after a pause, by the monotonic clock; it stands
            still if that is long ago. Infinite before it runs.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        decoded: type[T],
        store: Store[T],
        namespace: str | None = None,
        *,
        selector: Params | None = None,
        transform: Callable[[T], T] = lambda item: item,
        resource_version: Callable[[T], str] = of_metadata,
        described: str = "",
        on_fault: Callable[[], None] = lambda: None,
        metadata_only: bool = False,
    ) -> None:
        self.synced = asyncio.Event()
        self.fault = ""
        self.forbidden = False
        self.missing = False
        self.restarts = 0
        self.turned = math.inf
        self.resource = resource
        self._client = client
        self._store = store
        self._namespace = namespace
        self._selector = dict(selector or {})
        self._transform = transform
        self._version_of = resource_version
        self._described = described or resource.plural
        self._on_fault = on_fault
        self._metadata_only = metadata_only
        self._backoff = Backoff(_FIRST_DELAY, _LONGEST_DELAY, _JITTER)
        self._version = ""
        self._unreadable = LogOnChange(log)
        self._decoder = msgspec.json.Decoder(decoded)

    def __str__(self) -> str:
        return self._described

    async def run(self) -> None:
        """Keeps the store right until cancelled. No failure is final; each new one is logged once."""
        while True:
            self.turned = time.monotonic()
            try:
                if not self._version:
                    await self._list()
                if not await self._watch():
                    await self._pause(self._backoff.step())
            except (msgspec.MsgspecError, RecursionError) as error:
                self._version = ""
                self._fail(f"cannot read what the API server sent of {self}: {error}", logging.ERROR)
                await self._pause(self._backoff.step(_LONGEST_DELAY))
            except ApiError as error:
                self.missing = error.code == 404
                if error.code == 410:  # what we ask for is compacted away; a new list holds it
                    log.info("the watch of %s is too old; listing again", self)
                else:
                    self._fail(f"cannot watch {self}: {self._unserved if self.missing else error.explained}")
                if not error.unreachable:
                    self._version = ""
                await self._pause(self._backoff.step(error.retry_after))

    async def _pause(self, seconds: float) -> None:
        self.turned = time.monotonic() + seconds
        await asyncio.sleep(seconds)

    async def _list(self) -> None:
        objects: list[T] = []
        params = {**self._selector, "limit": _PAGE}
        while True:
            try:
                raw = await self._client.list(
                    self.resource, self._namespace, metadata_only=self._metadata_only, **params
                )
                page = _LIST.decode(raw)
            except ApiError as error:
                self.forbidden = self.forbidden or error.code == 403
                raise
            self.turned = time.monotonic()
            objects += (item for item in map(self._decode, page.items or ()) if item is not None)
            if not page.metadata.continue_token:
                break
            params["continue"] = page.metadata.continue_token
        self._version = page.metadata.resource_version
        self._store.replace(objects, self._version)
        self.forbidden = self.missing = False
        self.synced.set()

    async def _watch(self) -> bool:
        """Follows one watch to its end. Returns False if it ended at once and told nothing."""
        started = time.monotonic()
        self.restarts += 1
        params = {**self._selector, "resourceVersion": self._version}
        heard = False
        lines = self._client.watch(self.resource, self._namespace, params, metadata_only=self._metadata_only)
        async for line in lines:
            event = _EVENT.decode(line)
            if event.type == "ERROR":
                raise _BODY.decode(event.object).error
            self.turned = time.monotonic()
            if not heard:
                heard = True
                self._recover()
            if event.type == "BOOKMARK":
                self._version = _BODY.decode(event.object).metadata.resource_version
            else:
                item = self._decode(event.object)
                if item is None:
                    self._version = _BODY.decode(event.object).metadata.resource_version
                else:
                    self._version = self._version_of(item)
                    self._store.observe(event.type, item)
        return heard or time.monotonic() - started >= _SHORT_WATCH

    def _decode(self, raw: msgspec.Raw) -> T | None:
        """The object; None if it cannot be read: one odd object must not hide all others of its kind."""
        try:
            return self._transform(self._decoder.decode(raw))
        except (msgspec.MsgspecError, RecursionError) as error:
            found = _NAMED.decode(raw).metadata
            text = f"cannot read {found.namespace}/{found.name} of {self}: {error}; it is left out"
            self._unreadable.log(logging.ERROR, text)
            return None

    @property
    def _unserved(self) -> str:
        group = self.resource.api_version.partition("/")[0]
        return f"CustomResourceDefinition {self.resource.plural}.{group} is not installed"

    def _recover(self) -> None:
        """A watch tells something, be it a bookmark. A list alone proves nothing: to watch is another right."""
        self._backoff.reset()
        if self.fault:
            log.info("watching %s again", self)
            self.fault = ""

    def _fail(self, fault: str, level: int = logging.WARNING) -> None:
        if fault != self.fault:
            self.fault = fault
            log.log(level, "%s; retrying", fault)
            self._on_fault()


class _ListMeta(msgspec.Struct, rename={"resource_version": "resourceVersion", "continue_token": "continue"}):
    resource_version: str = ""
    continue_token: str = ""


class _WatchEvent(msgspec.Struct):
    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]
    object: msgspec.Raw


class _Metadata(msgspec.Struct):
    name: str = ""
    namespace: str = ""


class _Named(msgspec.Struct):
    metadata: _Metadata


class _Body(msgspec.Struct):
    """The object of a BOOKMARK, of which the version counts, or of an ERROR, which is a metav1.Status."""

    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)
    code: int = 500
    reason: str = ""
    message: str = ""

    @property
    def error(self) -> ApiError:
        return ApiError(self.code, self.reason, self.message)


_EVENT: Final = msgspec.json.Decoder(_WatchEvent)
_BODY: Final = msgspec.json.Decoder(_Body)
_NAMED: Final = msgspec.json.Decoder(_Named)


class _List(msgspec.Struct):
    """A page of a list."""

    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None


_LIST: Final = msgspec.json.Decoder(_List)
