"""What the operator knows of the cluster: the Nginx as kopf tells of them, the children as reflectors do."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from nginx_operator.api import names
from nginx_operator.api.types import Child, Condition, Nginx, ObjectMeta, OwnerReference, Pod, PodSpec, PodStatus
from nginx_operator.cluster.client import Client
from nginx_operator.cluster.reflector import Key, Reflector, is_newer, parent_by_label, parent_by_name
from nginx_operator.cluster.resources import DEPLOYMENTS, NGINXES, PODS, SERVICES


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
        self.nginxes: dict[Key, Nginx] = {}
        self._changed = changed
        self._asked = asked
        scopes: Sequence[str | None] = namespaces or (None,)
        self._children: dict[str, list[Reflector[Child]]] = {
            resource.plural: [
                Reflector(client, resource, Child, changed, parent_by_name, scope, kept_child) for scope in scopes
            ]
            for resource in (DEPLOYMENTS, SERVICES)
        }
        self._pods = [Reflector(client, PODS, Pod, changed, parent_by_label, scope, kept_pod) for scope in scopes]
        self._by_namespace: Final = {scope: number for number, scope in enumerate(scopes)}

    @property
    def reflectors(self) -> list[Reflector[Any]]:
        """Every reflector, to be run."""
        return [*(reflector for group in self._children.values() for reflector in group), *self._pods]

    @property
    def synced(self) -> bool:
        """Whether all children are known."""
        return all(reflector.synced.is_set() for reflector in self.reflectors)

    def watch_starts(self) -> Counter[str]:
        """How often a watch of children was started, by plural."""
        starts: Counter[str] = Counter()
        for reflector in self.reflectors:
            starts[reflector.plural] += reflector.restarts
        return starts

    def nginx(self, key: Key) -> Nginx | None:
        """The Nginx, if there is one."""
        return self.nginxes.get(key)

    def children(self, key: Key) -> dict[str, Child]:
        """Children under the Nginx's name, by plural."""
        found = {plural: self._in(group, key).of(key).get(key[1]) for plural, group in self._children.items()}
        return {plural: child for plural, child in found.items() if child is not None}

    def pods(self, key: Key) -> Iterable[Pod]:
        """Pods that bear the Nginx's labels."""
        return self._in(self._pods, key).of(key).values()

    def assume(self, plural: str, raw: bytes) -> None:
        """Takes over the answer to a write, before the watch tells."""
        if plural == NGINXES.plural:
            self._store(msgspec.json.decode(raw, type=Nginx))
            return
        meta = msgspec.json.decode(raw, type=Child).metadata
        self._in(self._children[plural], meta.key).assume(raw)

    def forget(self, plural: str, key: Key) -> None:
        """Takes over a deletion, before the watch tells."""
        self._in(self._children[plural], key).forget(key, key[1])

    def observe(self, event_type: str | None, body: Any) -> None:
        """Takes an event of the watch of nginxes: None (listed), ADDED, MODIFIED or DELETED, and the whole object."""
        new = msgspec.convert(body, Nginx)
        key = new.metadata.key
        if event_type == "DELETED":
            known = self.nginxes.get(key)
            if known is not None and known.metadata.uid == new.metadata.uid:
                del self.nginxes[key]
                self._asked(key)
            return
        before = self.nginxes.get(key)
        if not self._store(new):
            return
        if before is None or _asked(before.metadata) != _asked(new.metadata):
            self._asked(key)
        elif before.status != new.status:  # somebody's; ours is stored already
            self._changed(key)

    def uids(self) -> dict[Key, str]:
        """Which Nginx are known."""
        return {key: nginx.metadata.uid for key, nginx in self.nginxes.items()}

    def drop_deleted(self, before: Mapping[Key, str], live: Mapping[Key, ObjectMeta]) -> list[Key]:
        """Drops what a list does not hold any more: deletions that the watch did not tell of.

        Args:
            before: what was known before the list was asked for; what came since may be younger than the list.
            live: the list.
        """
        now = self.uids()
        gone = [key for key, uid in before.items() if now.get(key) == uid and (key not in live or live[key].uid != uid)]
        for key in gone:
            del self.nginxes[key]
        return gone

    def behind(self, live: Mapping[Key, ObjectMeta]) -> set[tuple[str, int]]:
        """The states that a list holds and the watch has not told of, as (uid, generation)."""
        known = ((meta, self.nginxes.get(key)) for key, meta in live.items())
        return {
            (meta.uid, meta.generation)
            for meta, nginx in known
            if nginx is None or nginx.metadata.uid != meta.uid or nginx.metadata.generation < meta.generation
        }

    def _store(self, new: Nginx) -> bool:
        known = self.nginxes.get(new.metadata.key)
        if known is not None and not is_newer(new.metadata, known.metadata):
            return False
        self.nginxes[new.metadata.key] = new
        return True

    def _in(self, group: list[Reflector[Any]], key: Key) -> Reflector[Any]:
        return group[self._by_namespace.get(key[0], 0)]


def _asked(meta: ObjectMeta) -> tuple[object, ...]:
    """Differs with every wish of a user; not with labels and annotations of the Nginx, which mean nothing to us."""
    return meta.uid, meta.generation, meta.deletion_timestamp


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
