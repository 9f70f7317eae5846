"""All that the operator knows of the cluster: scopes, labels of namespaces, and the policies in force."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from nginx_operator.api.policy import Policies, Policy
from nginx_operator.api.types import Child, Key, Nginx, Pod
from nginx_operator.cache.informer import Informer
from nginx_operator.cache.namespaces import NamespaceLabels
from nginx_operator.cache.scope import Scope
from nginx_operator.cache.store import Baseline
from nginx_operator.kube.client import Client
from nginx_operator.kube.reflector import Reflector
from nginx_operator.kube.resources import CONFIG_MAPS, DEPLOYMENTS, NGINXES, PODS, SERVICES


class Caches:
    """The caches of one process.

    Args:
        client: where the reflectors read.
        namespaces: which ones; empty means all.
        policies: the administrator's, in force from the beginning.

    Attributes:
        scopes: what is watched together: one for each namespace, or one for all.
    """

    def __init__(self, client: Client, namespaces: Sequence[str], policies: Policies) -> None:
        self.policies = policies
        self.namespaces = NamespaceLabels(client, namespaces, self._namespace_changed)
        self.scopes: Final = [Scope(client, namespace) for namespace in namespaces or (None,)]
        self._by_namespace: Final = {scope.namespace: scope for scope in self.scopes}

    def set_policies(self, policies: Policies) -> None:
        """Puts other policies in force, for every Nginx."""
        self.policies = policies
        for scope in self.scopes:
            for nginx in scope.nginxes():
                scope.changed(nginx.metadata.key)

    # --- what is known ---

    @property
    def reflectors(self) -> list[Reflector[Any]]:
        """Every reflector, to be run."""
        return [*(found for scope in self.scopes for found in scope.reflectors), *self.namespaces.reflectors]

    @property
    def synced(self) -> bool:
        """Whether everything has been listed, except namespaces that are left out."""
        listed = (
            each.synced.is_set() or bool(scope.namespace and each.forbidden)
            for scope in self.scopes
            for each in scope.reflectors
        )
        return all(listed) and all(reflector.synced.is_set() for reflector in self.namespaces.reflectors)

    @property
    def definition_missing(self) -> bool:
        """Whether the API server serves no nginxes: their CustomResourceDefinition was deleted."""
        return any(scope.informers[NGINXES.plural].reflector.missing for scope in self.scopes)

    def faults(self) -> dict[str, str]:
        """Why a resource cannot be watched at this moment, by plural; empty where it can. Not of what is left out."""
        watched = [found for scope in self.scopes if not scope.fault for found in scope.reflectors]
        watched += self.namespaces.reflectors
        return {found.resource.plural: found.fault for found in sorted(watched, key=lambda found: found.fault)}

    def left_out(self) -> Mapping[str, str]:
        """Namespaces that may not be read, and why."""
        return {scope.namespace: scope.fault for scope in self.scopes if scope.namespace and scope.fault}

    def is_left_out(self, namespace: str) -> bool:
        """Whether a namespace may not be read, so that nothing known of it counts."""
        return bool(self._scope(namespace).fault)

    def watch_starts(self) -> Counter[str]:
        """How often a watch was started, by plural."""
        starts: Counter[str] = Counter()
        for reflector in self.reflectors:
            starts[reflector.resource.plural] += reflector.restarts
        return starts

    def nginxes(self) -> Iterator[Nginx]:
        """Every Nginx, as a list of this moment."""
        return iter([nginx for scope in self.scopes for nginx in scope.nginxes()])

    def nginx(self, key: Key) -> Nginx | None:
        """The Nginx, if there is one."""
        found: Nginx | None = self._named(NGINXES.plural, key)
        return found

    def baseline(self, key: Key) -> Baseline | None:
        """What the state of an Nginx must be newer than, to be no old news (see Scope)."""
        return self._scope(key[0]).baseline

    def children(self, key: Key) -> dict[str, Child]:
        """Children under the Nginx's name, by plural."""
        found = {resource.plural: self._named(resource.plural, key) for resource in (DEPLOYMENTS, SERVICES)}
        return {plural: child for plural, child in found.items() if child is not None}

    def config_maps(self, key: Key) -> Mapping[str, Child]:
        """ConfigMaps that bear the Nginx's labels, by name."""
        return self._in(CONFIG_MAPS.plural, key).store.of(key)

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

    def observe_deletion(self, plural: str, key: Key, name: str) -> None:
        """Takes a deletion, before the watch tells."""
        self._in(plural, key).store.observe_deletion(key, name)

    # --- changes ---

    def _namespace_changed(self, namespace: str) -> None:
        """Another policy may hold for each Nginx in it."""
        scope = self._scope(namespace)
        for nginx in scope.nginxes():
            if nginx.metadata.namespace == namespace:
                scope.changed(nginx.metadata.key)

    def _named(self, plural: str, key: Key) -> Any:
        return self._in(plural, key).store.of(key).get(key[1])

    def _in(self, plural: str, key: Key) -> Informer[Any]:
        return self._scope(key[0]).informers[plural]

    def _scope(self, namespace: str) -> Scope:
        return self._by_namespace.get(namespace, self.scopes[0])
