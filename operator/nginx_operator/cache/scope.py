"""One namespace, or all of them: an informer for each kind, and the way from there into the queue.

    reflector -> store -> queue

A change of an Nginx's spec is enqueued at once, because a user waits for it. All other changes are enqueued with a
delay that lets those that follow join them.
"""

from collections.abc import Iterator
from typing import Any, Final, Protocol

import msgspec

from nginx_operator.api import names
from nginx_operator.api.types import Child, Key, Nginx, Pod
from nginx_operator.cache import transforms
from nginx_operator.cache.informer import Informer, WatchedKind
from nginx_operator.cache.store import Baseline, owner_key_by_label, owner_key_by_name
from nginx_operator.kube.client import Client
from nginx_operator.kube.reflector import Reflector
from nginx_operator.kube.resource_version import newest
from nginx_operator.kube.resources import CONFIG_MAPS, DEPLOYMENTS, NGINXES, PODS, SERVICES

_CHILDREN: Final = {"labelSelector": names.CHILDREN_SELECTOR}
_NGINXES: Final = WatchedKind(NGINXES, Nginx, owner_key_by_name, transforms.nginx)
_KINDS: Final[tuple[WatchedKind[Any], ...]] = (
    _NGINXES,
    WatchedKind(DEPLOYMENTS, Child, owner_key_by_name, transforms.child, _CHILDREN),
    WatchedKind(SERVICES, Child, owner_key_by_name, transforms.child, _CHILDREN),
    WatchedKind(CONFIG_MAPS, Child, owner_key_by_label, transforms.config_map, _CHILDREN, metadata_only=True),
    WatchedKind(PODS, Pod, owner_key_by_label, transforms.pod, _CHILDREN),
)


class Queue(Protocol):
    """Where keys of Nginx go that are to be reconciled."""

    def add(self, key: Key) -> None:
        """At once."""

    def add_coalesced(self, key: Key) -> None:
        """Soon, once for all that happens meanwhile."""


class Scope:
    """What is watched together, by the rights of one Role or ClusterRole.

    Args:
        client: where the reflectors read.
        namespace: None means all.

    Attributes:
        informers: by plural.
    """

    def __init__(self, client: Client, namespace: str | None) -> None:
        self.namespace = namespace
        self.informers: dict[str, Informer[Any]] = {
            kind.resource.plural: Informer(
                client, kind, self._nginx_changed if kind is _NGINXES else self.changed, namespace
            )
            for kind in _KINDS
        }
        self._client = client
        self._queue: Queue | None = None
        self._led_from = ""

    @property
    def reflectors(self) -> list[Reflector[Any]]:
        """One for each kind, to be run."""
        return [informer.reflector for informer in self.informers.values()]

    @property
    def fault(self) -> str:
        """Why this namespace is left out: it may not be read, for instance because it went, and its Role with it.

        Empty if it may. Never said of all namespaces: where those may not be read, nothing is left that works.
        """
        if self.namespace is None:
            return ""
        return next((reflector.fault for reflector in self.reflectors if reflector.forbidden), "")

    @property
    def baseline(self) -> Baseline | None:
        """What is newer than this is newer than whatever was acted on before the last list, and before this process
        led: of Nginx that are older, a state may be old news. None while that is not known.
        """
        if not self._led_from:
            return None
        lists, version = self.informers[NGINXES.plural].store.baseline
        return Baseline(lists, newest(version, self._led_from))

    async def take_baseline(self) -> None:
        """Asks which resourceVersion it is now, as the leader: a former one has acted on nothing newer.

        Raises:
            ApiError: there was no answer.
        """
        raw = await self._client.list(NGINXES, self.namespace, limit="1")
        self._led_from = _VERSION.decode(raw).metadata.resource_version

    def nginxes(self) -> Iterator[Nginx]:
        """Every Nginx; none where the namespace is left out, for those that are known may be gone."""
        return iter([] if self.fault else list(self.informers[NGINXES.plural].store))

    def feed(self, queue: Queue) -> None:
        """Enqueues every Nginx, and from now on each that changes. Before, as a standby, nothing is enqueued."""
        self._queue = queue
        for nginx in list(self.informers[NGINXES.plural].store):  # those of a namespace that is left out wait there
            queue.add(nginx.metadata.key)

    def changed(self, key: Key, *_: object) -> None:
        """Enqueues an Nginx of which something has changed."""
        if self._queue is not None:
            self._queue.add_coalesced(key)

    def _nginx_changed(self, key: Key, old: Nginx | None, new: Nginx | None) -> None:
        if _spec_identity(old) != _spec_identity(new):
            if self._queue is not None:
                self._queue.add(key)
        else:  # the status, by somebody else: what we wrote was in the store before the watch told
            self.changed(key)


def _spec_identity(nginx: Nginx | None) -> tuple[str, int, str | None] | None:
    """Differs with each change that a user makes: of the spec, which has a generation, or of the object's life."""
    return None if nginx is None else (nginx.metadata.uid, nginx.metadata.generation, nginx.metadata.deletion_timestamp)


class _ListMeta(msgspec.Struct, rename={"resource_version": "resourceVersion"}):
    resource_version: str = ""


class _Version(msgspec.Struct):
    """Of a list, which resourceVersion it is of."""

    metadata: _ListMeta


_VERSION: Final = msgspec.json.Decoder(_Version)
