"""All that the operator knows of the cluster, and the way from there into the queue.

    reflector -> store -> queue

A change of an Nginx's spec is enqueued at once, because a user waits for it. All other changes are enqueued with a
delay that lets those that follow join them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

from nginx_operator.api import names
from nginx_operator.api.policy import Policies, Policy
from nginx_operator.api.types import Child, Key, Nginx, Pod
from nginx_operator.cache import transforms
from nginx_operator.cache.informer import Informer, Kind
from nginx_operator.cache.namespaces import NamespaceLabels
from nginx_operator.cache.store import parent_by_label, parent_by_name
from nginx_operator.kube.client import Client
from nginx_operator.kube.reflector import Reflector
from nginx_operator.kube.resources import DEPLOYMENTS, NGINXES, PODS, SERVICES

_CHILDREN: Final = {"labelSelector": names.CHILDREN_SELECTOR}
_NGINXES: Final = Kind(NGINXES, Nginx, parent_by_name, transforms.nginx)
_KINDS: Final[tuple[Kind[Any], ...]] = (
    _NGINXES,
    Kind(DEPLOYMENTS, Child, parent_by_name, transforms.child, _CHILDREN),
    Kind(SERVICES, Child, parent_by_name, transforms.child, _CHILDREN),
    Kind(PODS, Pod, parent_by_label, transforms.pod, _CHILDREN),
)


class Queue(Protocol):
    """Where keys of Nginx go that are to be reconciled."""

    def add(self, key: Key) -> None:
        """At once."""

    def add_coalesced(self, key: Key) -> None:
        """Soon, once for all that happens meanwhile."""


class Caches:
    """The caches of one process.

    Args:
        client: where the reflectors read.
        namespaces: which ones; empty means all.
        policies: the administrator's, in force from the beginning.
    """

    def __init__(self, client: Client, namespaces: Sequence[str], policies: Policies) -> None:
        self.policies = policies
        self.namespaces = NamespaceLabels(client, namespaces, self._namespace_changed)
        self._queue: Queue | None = None
        scopes: Sequence[str | None] = namespaces or (None,)
        self._scopes: Final = {scope: number for number, scope in enumerate(scopes)}
        self._informers: dict[str, list[Informer[Any]]] = {
            kind.resource.plural: [
                Informer(client, kind, self._nginx_changed if kind is _NGINXES else self._changed, scope)
                for scope in scopes
            ]
            for kind in _KINDS
        }

    def feed(self, queue: Queue) -> None:
        """Enqueues every Nginx, and from now on each that changes. Before, as a standby, nothing is enqueued."""
        self._queue = queue
        for nginx in self.nginxes():
            queue.add(nginx.metadata.key)

    def adopt(self, policies: Policies) -> None:
        """Puts other policies in force, for every Nginx."""
        self.policies = policies
        for nginx in self.nginxes():
            self._changed(nginx.metadata.key)

    # --- what is known ---

    @property
    def reflectors(self) -> list[Reflector[Any]]:
        """Every reflector, to be run."""
        informers = (informer for group in self._informers.values() for informer in group)
        return [*(informer.reflector for informer in informers), *self.namespaces.reflectors]

    @property
    def synced(self) -> bool:
        """Whether everything has been listed."""
        return all(reflector.synced.is_set() for reflector in self.reflectors)

    def watch_starts(self) -> Counter[str]:
        """How often a watch was started, by plural."""
        starts: Counter[str] = Counter()
        for reflector in self.reflectors:
            starts[reflector.resource.plural] += reflector.restarts
        return starts

    def nginxes(self) -> Iterator[Nginx]:
        """Every Nginx, as a list of this moment."""
        return iter([nginx for informer in self._informers[NGINXES.plural] for nginx in informer.store])

    def nginx(self, key: Key) -> Nginx | None:
        """The Nginx, if there is one."""
        found: Nginx | None = self._named(NGINXES.plural, key)
        return found

    def children(self, key: Key) -> dict[str, Child]:
        """Children under the Nginx's name, by plural."""
        found = {resource.plural: self._named(resource.plural, key) for resource in (DEPLOYMENTS, SERVICES)}
        return {plural: child for plural, child in found.items() if child is not None}

    def pods(self, key: Key) -> Iterable[Pod]:
        """Pods that bear the Nginx's labels."""
        return self._in(PODS.plural, key).store.of(key).values()

    def policy(self, namespace: str) -> Policy | None:
        """The policy that holds in a namespace, as the webhooks have it. None while that depends on unknown labels."""
        if not self.policies.depends_on_labels(namespace):
            return self.policies.for_namespace(namespace)
        labels = self.namespaces.of(namespace)
        return None if labels is None else self.policies.for_namespace(namespace, self.policies.class_of(labels))

    # --- our own writes ---

    def observe_write(self, plural: str, key: Key, raw: bytes) -> None:
        """Takes the answer to a write, before the watch tells."""
        self._in(plural, key).observe_write(raw)

    def observe_deletion(self, plural: str, key: Key) -> None:
        """Takes a deletion, before the watch tells."""
        self._in(plural, key).store.observe_deletion(key, key[1])

    # --- changes ---

    def _nginx_changed(self, key: Key, old: Nginx | None, new: Nginx | None) -> None:
        if _spec_identity(old) != _spec_identity(new):
            if self._queue is not None:
                self._queue.add(key)
        else:  # the status, by somebody else: what we wrote was in the store before the watch told
            self._changed(key)

    def _changed(self, key: Key, *_: object) -> None:
        if self._queue is not None:
            self._queue.add_coalesced(key)

    def _namespace_changed(self, namespace: str) -> None:
        """Another policy may hold for each Nginx in it."""
        for nginx in self.nginxes():
            if nginx.metadata.namespace == namespace:
                self._changed(nginx.metadata.key)

    def _named(self, plural: str, key: Key) -> Any:
        return self._in(plural, key).store.of(key).get(key[1])

    def _in(self, plural: str, key: Key) -> Informer[Any]:
        return self._informers[plural][self._scopes.get(key[0], 0)]


def _spec_identity(nginx: Nginx | None) -> tuple[str, int, str | None] | None:
    """Differs with each change that a user makes: of the spec, which has a generation, or of the object's life."""
    return None if nginx is None else (nginx.metadata.uid, nginx.metadata.generation, nginx.metadata.deletion_timestamp)
