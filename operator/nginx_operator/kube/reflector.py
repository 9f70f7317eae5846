"""List and watch of one kind into a cache, indexed by the Nginx that the objects belong to.

It holds what client-go's reflector holds: the cache equals the API server's state at some resourceVersion,
never goes back, and a re-list reports what was deleted meanwhile.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from nginx_operator.api import names
from nginx_operator.api.types import ObjectMeta
from nginx_operator.kube.client import Client, Params
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import Resource

log = logging.getLogger(__name__)

Key = tuple[str, str]

_PAGE: Final = "500"
_CHILDREN: Final = {"labelSelector": names.CHILDREN_SELECTOR}
_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 30.0


class _HasMetadata(Protocol):
    @property
    def metadata(self) -> ObjectMeta: ...


T = TypeVar("T", bound=_HasMetadata)


class Reflector(Generic[T]):
    """The cache of one kind, in one namespace or in all.

    Args:
        client: where to read.
        resource: what to read.
        view: the type that objects are decoded into.
        changed: called with the key of the Nginx of each object that came, changed or went.
        parent: the key of the Nginx that an object belongs to.
        namespace: None means all.
        selector: which objects, as parameters of list and watch.
        transform: what of an object the cache holds.

    Attributes:
        synced: set once the first list is in the cache.
        restarts: how often a watch was started.
        turned: when it last asked or heard something, by the monotonic clock; it stands still if that is long ago.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        view: type[T],
        changed: Callable[[Key], None],
        parent: Callable[[ObjectMeta], Key],
        namespace: str | None = None,
        *,
        selector: Params = _CHILDREN,
        transform: Callable[[T], T] = lambda item: item,
    ) -> None:
        self.synced = asyncio.Event()
        self.restarts = 0
        self.turned = time.monotonic()
        self._client = client
        self._resource = resource
        self._namespace = namespace
        self._changed = changed
        self._parent = parent
        self._selector = selector
        self._transform = transform
        self._objects: dict[Key, dict[str, T]] = {}
        self._version = ""
        self._list = msgspec.json.Decoder(_list_type(view))
        self._object = msgspec.json.Decoder(view)

    @property
    def plural(self) -> str:
        """What it reads."""
        return self._resource.plural

    def of(self, key: Key) -> dict[str, T]:
        """The objects of one Nginx, by name. Not to be changed by the caller."""
        return self._objects.get(key, {})

    def __iter__(self) -> Iterator[T]:
        """All objects."""
        return (item for group in self._objects.values() for item in group.values())

    async def run(self) -> None:
        """Keeps the cache right until cancelled. Every error is logged once and retried."""
        delay = _FIRST_DELAY
        while True:
            self.turned = time.monotonic()
            try:
                if not self._version:
                    await self._relist()
                    self.synced.set()
                await self._follow()
                delay = _FIRST_DELAY
            except msgspec.MsgspecError as error:
                log.error("cannot read what the API server sent of %s: %s; listing again", self._resource.plural, error)
                self._version = ""
                await asyncio.sleep(_LONGEST_DELAY)
            except ApiError as error:
                if error.code == 410:  # the history that we asked for is compacted: start from a new list
                    log.info("the watch of %s is too old; listing again", self._resource.plural)
                else:
                    log.warning("cannot watch %s: %s; retrying", self._resource.plural, error.message)
                if not error.unreachable:
                    self._version = ""
                await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load, keeps no secret
                delay = min(delay * 2, _LONGEST_DELAY)

    def observe_write(self, raw: bytes) -> None:
        """Takes over the answer to a write of our own, so that the next reconcile sees it before the watch tells.

        Where the watch is past it the cache holds it already, or what became of it since: it may be deleted.
        """
        new = self._decode(raw)
        if not self._version or int(new.metadata.resource_version) > int(self._version):
            self._store(new)

    def forget(self, key: Key, name: str) -> None:
        """Takes over a deletion of our own."""
        group = self._objects.get(key)
        if group is not None and group.pop(name, None) is not None and not group:
            del self._objects[key]

    async def _relist(self) -> None:
        fresh: dict[Key, dict[str, T]] = {}
        token = ""
        while True:
            params = {**self._selector, "limit": _PAGE}
            if token:
                params["continue"] = token
            page = self._list.decode(await self._client.list(self._resource, self._namespace, **params))
            for item in page.items or ():
                fresh.setdefault(self._parent(item.metadata), {})[item.metadata.name] = self._transform(item)
            token = page.metadata.continue_token
            if not token:
                break
        before, self._objects = self._objects, fresh
        self._version = page.metadata.resource_version
        for key in before.keys() | fresh.keys():
            if _versions(before.get(key, {})) != _versions(fresh.get(key, {})):
                self._changed(key)

    async def _follow(self) -> None:
        params = {**self._selector, "resourceVersion": self._version}
        self.restarts += 1
        async for line in self._client.watch(self._resource, self._namespace, params):
            self.turned = time.monotonic()
            event = _EVENT.decode(line)
            match event.type:
                case "ADDED":
                    self._put(self._decode(event.object))
                case "MODIFIED":
                    new = self._decode(event.object)
                    self._leave_earlier_parent(new.metadata)
                    self._put(new)
                case "DELETED":
                    self._remove(self._decode(event.object))
                case "BOOKMARK":
                    self._version = _BOOKMARK.decode(event.object).metadata.resource_version
                case _:
                    status: dict[str, Any] = msgspec.json.decode(event.object)
                    raise ApiError(
                        int(status.get("code", 500)), str(status.get("reason", "")), str(status.get("message", ""))
                    )

    def _decode(self, raw: bytes | msgspec.Raw) -> T:
        return self._transform(self._object.decode(raw))

    def _store(self, new: T) -> bool:
        """Puts an object into the cache unless a state as new is there. Returns whether there is news in it."""
        group = self._objects.setdefault(self._parent(new.metadata), {})
        known = group.get(new.metadata.name)
        if known is not None and not is_newer(new.metadata, known.metadata):
            return False
        group[new.metadata.name] = new
        return known is None or not _looks_like(known, new)

    def _put(self, new: T) -> None:
        self._version = new.metadata.resource_version
        if self._store(new):
            self._changed(self._parent(new.metadata))

    def _leave_earlier_parent(self, metadata: ObjectMeta) -> None:
        """Takes an object whose label now names another Nginx away from the earlier one."""
        namespace, name = metadata.key
        key = self._parent(metadata)
        if name in self.of(key):
            return
        earlier = [k for k, group in self._objects.items() if k != key and k[0] == namespace and name in group]
        for other in earlier:
            self.forget(other, name)
            self._changed(other)

    def _remove(self, gone: T) -> None:
        self._version = gone.metadata.resource_version
        key, name = self._parent(gone.metadata), gone.metadata.name
        known = self.of(key).get(name)
        if known is not None and known.metadata.uid == gone.metadata.uid:
            self.forget(key, name)
            self._changed(key)


def parent_by_name(metadata: ObjectMeta) -> Key:
    """The Nginx of a child that bears its name; labels do not count, so that a changed one is seen and repaired."""
    return metadata.key


def parent_by_label(metadata: ObjectMeta) -> Key:
    """The Nginx that a pod names by its instance label."""
    return metadata.namespace, metadata.labels.get(names.LABEL_INSTANCE, "")


def is_newer(one: ObjectMeta, other: ObjectMeta) -> bool:
    """Whether `one` is a later state than `other`, of the same object or of a successor of the same name.

    resourceVersions of one kind are ordered (KEP-5504).
    """
    return int(one.resource_version) > int(other.resource_version)


def _looks_like(one: Any, other: Any) -> bool:
    """Whether two states of one kind differ in nothing that is kept, but for the version."""
    metadata = replace(one.metadata, resource_version=other.metadata.resource_version)
    return bool(replace(one, metadata=metadata) == other)


def _versions(group: dict[str, T]) -> dict[str, tuple[str, str]]:
    return {name: (item.metadata.uid, item.metadata.resource_version) for name, item in group.items()}


class _ListMeta(msgspec.Struct, rename={"resource_version": "resourceVersion", "continue_token": "continue"}):
    resource_version: str = ""
    continue_token: str = ""


class _WatchEvent(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Bookmark(msgspec.Struct):
    metadata: _ListMeta


_EVENT: Final = msgspec.json.Decoder(_WatchEvent)
_BOOKMARK: Final = msgspec.json.Decoder(_Bookmark)


def _list_type(view: type[T]) -> Any:
    return msgspec.defstruct(f"{view.__name__}List", [("metadata", _ListMeta), ("items", list[view] | None)])  # type: ignore[valid-type]
