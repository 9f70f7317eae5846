"""The objects of one kind, indexed by the Nginx that they belong to (client-go: cache.Indexer)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from msgspec.structs import replace

from nginx_operator.api import names
from nginx_operator.api.types import Key, ObjectMeta
from nginx_operator.kube.reflector import EventType
from nginx_operator.kube.resource_version import is_newer, newest


class _HasMetadata(Protocol):
    @property
    def metadata(self) -> ObjectMeta: ...


T = TypeVar("T", bound=_HasMetadata)

#: Called with the key of an Nginx, and with an object of it before and after a change; None stands for no object.
Changed = Callable[[Key, T | None, T | None], None]


class Baseline(NamedTuple):
    """What a cache knew when it was listed last.

    A list may show an earlier state than was known before it: of an API server that is behind, or of a restored etcd.
    Of one list, the watch only ever tells what is newer.

    Attributes:
        lists: how many there were.
        version: the newest resourceVersion known at the last one.
    """

    lists: int = 0
    version: str = ""


class Store(Generic[T]):
    """A cache that never goes back to an earlier state of an object.

    Args:
        owner_key: the key of the Nginx that an object belongs to.
        changed: told of each change of an object. A new resourceVersion alone is none.

    Attributes:
        baseline: what was known at the last list.
    """

    def __init__(self, owner_key: Callable[[ObjectMeta], Key], changed: Changed[T]) -> None:
        self._owner_key = owner_key
        self._changed = changed
        self._objects: dict[Key, dict[str, T]] = {}
        self._version = ""
        self.baseline = Baseline()

    def of(self, key: Key) -> dict[str, T]:
        """The objects of one Nginx, by name. Not to be changed by the caller."""
        return self._objects.get(key, {})

    def __iter__(self) -> Iterator[T]:
        """All objects."""
        return (item for group in self._objects.values() for item in group.values())

    def replace(self, objects: Sequence[T], resource_version: str) -> None:
        """Takes a whole list. It is right even where it is older than what is known: etcd may have been restored."""
        known = newest(self.baseline.version, self._version, resource_version)
        self.baseline = Baseline(self.baseline.lists + 1, known)
        before, self._objects = self._objects, {}
        self._version = resource_version
        for item in objects:
            self._objects.setdefault(self._owner_key(item.metadata), {})[item.metadata.name] = item
        for key in before.keys() | self._objects.keys():
            old, new = before.get(key, {}), self.of(key)
            for name in old.keys() | new.keys():
                if _identity(old.get(name)) != _identity(new.get(name)):
                    self._changed(key, old.get(name), new.get(name))

    def observe(self, event: EventType, item: T) -> None:
        """Takes one event of a watch."""
        self._version = item.metadata.resource_version
        if event == "DELETED":
            self._remove(item.metadata)
            return
        if event == "MODIFIED":
            self._leave_earlier_owner(item.metadata)
        key = self._owner_key(item.metadata)
        known = self.of(key).get(item.metadata.name)
        if self._put(key, known, item) and not _looks_like(known, item):
            self._changed(key, known, item)

    def observe_write(self, item: T) -> None:
        """Takes the answer to a write of our own, so that the next reconcile sees it before the watch tells.

        Where the watch is past it, the store holds it already, or what became of it since: it may be deleted.
        """
        if not self._version or is_newer(item.metadata.resource_version, self._version):
            key = self._owner_key(item.metadata)
            self._put(key, self.of(key).get(item.metadata.name), item)

    def observe_deletion(self, key: Key, name: str) -> None:
        """Takes a deletion of our own, before the watch tells."""
        group = self._objects.get(key)
        if group is not None and group.pop(name, None) is not None and not group:
            del self._objects[key]

    def _put(self, key: Key, known: T | None, item: T) -> bool:
        """Returns False where a state as new is there already."""
        if known is not None and not is_newer(item.metadata.resource_version, known.metadata.resource_version):
            return False
        self._objects.setdefault(key, {})[item.metadata.name] = item
        return True

    def _remove(self, gone: ObjectMeta) -> None:
        key = self._owner_key(gone)
        known = self.of(key).get(gone.name)
        if known is not None and known.metadata.uid == gone.uid:
            self.observe_deletion(key, gone.name)
            self._changed(key, known, None)

    def _leave_earlier_owner(self, metadata: ObjectMeta) -> None:
        """Takes an object whose label now names another Nginx away from the earlier one."""
        namespace, name = metadata.key
        key = self._owner_key(metadata)
        if name in self.of(key):
            return
        earlier = [k for k, group in self._objects.items() if k != key and k[0] == namespace and name in group]
        for other in earlier:
            known = self.of(other).get(name)
            self.observe_deletion(other, name)
            self._changed(other, known, None)


def owner_key_by_name(metadata: ObjectMeta) -> Key:
    """The Nginx of a child that bears its name; labels do not count, so that a changed one is seen and repaired."""
    return metadata.key


def owner_key_by_label(metadata: ObjectMeta) -> Key:
    """The Nginx that a pod names by its instance label."""
    return metadata.namespace, metadata.labels.get(names.LABEL_INSTANCE, "")


def _identity(item: _HasMetadata | None) -> tuple[str, str] | None:
    return None if item is None else (item.metadata.uid, item.metadata.resource_version)


def _looks_like(known: Any, item: Any) -> bool:
    """Whether two states of one object differ in their version alone."""
    if known is None:
        return False
    metadata = replace(item.metadata, resource_version=known.metadata.resource_version)
    return bool(replace(item, metadata=metadata) == known)
