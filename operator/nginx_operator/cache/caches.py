"""What the operator knows of the cluster: the Nginx and their children, as reflectors tell of them."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from nginx_operator.api import names
from nginx_operator.api.types import Child, Condition, Nginx, ObjectMeta, OwnerReference, Pod, PodSpec, PodStatus
from nginx_operator.cache.namespaces import NamespaceLabels
from nginx_operator.kube.client import Client
from nginx_operator.kube.reflector import Key, Reflector, parent_by_label, parent_by_name
from nginx_operator.kube.resources import DEPLOYMENTS, NGINXES, PODS, SERVICES


class Caches:
    """All caches of one process.

    Args:
        client: where the reflectors read.
        namespaces: which ones; empty means all.
        changed: called with the key of an Nginx whose status, or one of whose children, came, changed or went.
        asked: called with the key of an Nginx that came, went, or whose spec changed: a user waits.
    """

    def __init__(
        self,
        client: Client,
        namespaces: Sequence[str],
        changed: Callable[[Key], None],
        asked: Callable[[Key], None],
    ) -> None:
        self._changed = changed
        self._asked = asked
        self._wishes: dict[Key, Wish] = {}
        scopes: Sequence[str | None] = namespaces or (None,)
        self._groups: dict[str, list[Reflector[Any]]] = {
            NGINXES.plural: [
                Reflector(
                    client,
                    NGINXES,
                    Nginx,
                    self._nginx_changed,
                    parent_by_name,
                    scope,
                    selector={},
                    transform=kept_nginx,
                )
                for scope in scopes
            ],
            **{
                resource.plural: [
                    Reflector(client, resource, Child, changed, parent_by_name, scope, transform=kept_child)
                    for scope in scopes
                ]
                for resource in (DEPLOYMENTS, SERVICES)
            },
            PODS.plural: [
                Reflector(client, PODS, Pod, changed, parent_by_label, scope, transform=kept_pod) for scope in scopes
            ],
        }
        self.namespaces = NamespaceLabels(client, namespaces, self._relabelled)
        self._by_namespace: Final = {scope: number for number, scope in enumerate(scopes)}

    @property
    def reflectors(self) -> list[Reflector[Any]]:
        """Every reflector, to be run."""
        return [*(reflector for group in self._groups.values() for reflector in group), *self.namespaces.reflectors]

    @property
    def synced(self) -> bool:
        """Whether all is known."""
        return all(reflector.synced.is_set() for reflector in self.reflectors)

    def watch_starts(self) -> Counter[str]:
        """How often a watch was started, by plural."""
        starts: Counter[str] = Counter()
        for reflector in self.reflectors:
            starts[reflector.plural] += reflector.restarts
        return starts

    def nginxes(self) -> Iterator[Nginx]:
        """Every Nginx."""
        return (nginx for reflector in self._groups[NGINXES.plural] for nginx in reflector)

    def nginx(self, key: Key) -> Nginx | None:
        """The Nginx, if there is one."""
        found: Nginx | None = self._found(NGINXES.plural, key)
        return found

    def children(self, key: Key) -> dict[str, Child]:
        """Children under the Nginx's name, by plural."""
        found = {resource.plural: self._found(resource.plural, key) for resource in (DEPLOYMENTS, SERVICES)}
        return {plural: child for plural, child in found.items() if child is not None}

    def pods(self, key: Key) -> Iterable[Pod]:
        """Pods that bear the Nginx's labels."""
        return self._in(PODS.plural, key).of(key).values()

    def labels(self, namespace: str) -> Mapping[str, str] | None:
        """Labels of a namespace; None while it is not known, or nobody has asked to watch them."""
        return self.namespaces.of(namespace)

    def observe_write(self, plural: str, key: Key, raw: bytes) -> None:
        """Takes over the answer to a write, before the watch tells."""
        self._in(plural, key).observe_write(raw)

    def forget(self, plural: str, key: Key) -> None:
        """Takes over a deletion, before the watch tells."""
        self._in(plural, key).forget(key, key[1])

    def _nginx_changed(self, key: Key) -> None:
        nginx = self.nginx(key)
        if nginx is None:
            self._wishes.pop(key, None)
            self._asked(key)
            return
        meta = nginx.metadata
        wish = meta.uid, meta.generation, meta.deletion_timestamp
        if self._wishes.get(key) == wish:
            self._changed(key)  # the status, by somebody else: ours is here before the watch tells
        else:
            self._wishes[key] = wish
            self._asked(key)

    def _relabelled(self, namespace: str) -> None:
        """Another policy may hold for each Nginx in it."""
        for nginx in list(self.nginxes()):
            if nginx.metadata.namespace == namespace:
                self._changed(nginx.metadata.key)

    def _found(self, plural: str, key: Key) -> Any:
        return self._in(plural, key).of(key).get(key[1])

    def _in(self, plural: str, key: Key) -> Reflector[Any]:
        return self._groups[plural][self._by_namespace.get(key[0], 0)]


#: Differs with every wish of a user: the uid, the generation and the time of deletion of an Nginx.
Wish = tuple[str, int, str | None]


def kept_nginx(nginx: Nginx) -> Nginx:
    """An Nginx without its labels and annotations, which mean nothing to us."""
    return msgspec.structs.replace(nginx, metadata=msgspec.structs.replace(nginx.metadata, labels={}, annotations={}))


_CHILD_CONDITIONS: Final = frozenset({"ReplicaFailure", "Progressing"})


def kept_child(child: Child) -> Child:
    """A child without what nobody reads, and without the rest of the message that it came in: a Raw is a view of it."""
    status = child.status
    conditions = tuple(found for found in status.conditions if found.type in _CHILD_CONDITIONS)
    return msgspec.structs.replace(
        child, spec=child.spec.copy(), status=msgspec.structs.replace(status, conditions=conditions)
    )


_POD_LABELS: Final = (names.LABEL_INSTANCE, names.LABEL_POD_HASH)
_POD_CONDITIONS: Final = frozenset({"Ready", "PodScheduled"})


def kept_pod(pod: Pod) -> Pod:
    """What a status is computed from, and no more; words that many pods share are held once.

    A cluster has several pods for each Nginx, so this is most of what the operator's memory is used for.
    """
    meta, status, once = pod.metadata, pod.status, sys.intern
    return Pod(
        metadata=ObjectMeta(
            name=meta.name,
            uid=meta.uid,
            namespace=once(meta.namespace),
            resource_version=meta.resource_version,
            deletion_timestamp=meta.deletion_timestamp,
            labels={label: once(meta.labels[label]) for label in _POD_LABELS if label in meta.labels},
            owner_references=tuple(
                OwnerReference(once(owner.kind), once(owner.name), once(owner.uid), once(owner.api_version), True)
                for owner in meta.owner_references
                if owner.controller
            ),
        ),
        spec=PodSpec(
            tuple(
                msgspec.structs.replace(container, name=names.CONTAINER, image=once(container.image))
                for container in pod.spec.containers
                if container.name == names.CONTAINER
            )
        ),
        status=PodStatus(
            phase=once(status.phase),
            conditions=tuple(
                Condition(once(found.type), once(found.status), once(found.reason), found.message)
                for found in status.conditions
                if found.type in _POD_CONDITIONS
            ),
            container_statuses=tuple(found for found in status.container_statuses if found.state.waiting is not None),
        ),
    )
