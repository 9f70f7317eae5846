"""Labels of namespaces, by which the classes of a policy select them. Watched only while a policy has classes."""

from collections.abc import Callable, Mapping, Sequence

from nginx_operator.api.types import Key, Namespace, ObjectMeta
from nginx_operator.cache import transforms
from nginx_operator.cache.informer import Informer, WatchedKind
from nginx_operator.kube.client import Client
from nginx_operator.kube.reflector import Reflector
from nginx_operator.kube.resources import NAMESPACES


class NamespaceLabels:
    """The labels, as far as they are watched.

    Args:
        client: where to read.
        namespaces: which ones; empty means all.
        changed: called with the name of a namespace whose labels have changed, or that came or went.
    """

    def __init__(self, client: Client, namespaces: Sequence[str], changed: Callable[[str], None]) -> None:
        self._client = client
        self._namespaces = namespaces
        self._changed = changed
        self._informers: list[Informer[Namespace]] = []

    @property
    def reflectors(self) -> list[Reflector[Namespace]]:
        """To be run; there are none before `start` and after `stop`."""
        return [informer.reflector for informer in self._informers]

    def start(self) -> None:
        """Makes the reflectors: one for all namespaces, or one for each that is looked after, as the rights are."""
        selectors = [{"fieldSelector": f"metadata.name={name}"} for name in self._namespaces] or [{}]
        kinds = [WatchedKind(NAMESPACES, Namespace, _itself, transforms.namespace, selector) for selector in selectors]
        self._informers = [Informer(self._client, kind, self._store_changed) for kind in kinds]

    def stop(self) -> None:
        """Drops the reflectors, and what they knew."""
        self._informers = []

    def of(self, name: str) -> Mapping[str, str] | None:
        """Labels of a namespace; None while it is not known."""
        found = (informer.store.of((name, "")).get(name) for informer in self._informers)
        return next((namespace.metadata.labels for namespace in found if namespace is not None), None)

    def _store_changed(self, key: Key, *_: Namespace | None) -> None:
        # The first list is no news: who asked for the labels looks at every Nginx anyway.
        if all(reflector.synced.is_set() for reflector in self.reflectors):
            self._changed(key[0])


def _itself(metadata: ObjectMeta) -> Key:
    return metadata.name, ""
