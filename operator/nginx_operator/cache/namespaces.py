"""Labels of namespaces: which class of a policy holds in which. Watched just as long as a policy has classes."""

from collections.abc import Callable, Mapping, Sequence

from nginx_operator.api.types import Namespace, ObjectMeta
from nginx_operator.kube.client import Client
from nginx_operator.kube.reflector import Key, Reflector
from nginx_operator.kube.resources import NAMESPACES


class NamespaceLabels:
    """What the reflectors know, while there are any.

    Args:
        client: where they read.
        names: which namespaces; empty means all.
        relabelled: called with the name of a namespace whose labels have changed, or that came or went.

    Attributes:
        reflectors: to be run; none until `watch` and after `leave`.
    """

    def __init__(self, client: Client, names: Sequence[str], relabelled: Callable[[str], None]) -> None:
        self.reflectors: list[Reflector[Namespace]] = []
        self._client = client
        self._names = names
        self._relabelled = relabelled

    def watch(self) -> None:
        """From now on there are reflectors: one for all, or one for each name, as the rights are."""
        selectors = [{"fieldSelector": f"metadata.name={name}"} for name in self._names] or [{}]
        self.reflectors = [
            Reflector(self._client, NAMESPACES, Namespace, self._changed, _itself, selector=selector, transform=kept)
            for selector in selectors
        ]

    def leave(self) -> None:
        """Nobody asks for labels any more."""
        self.reflectors = []

    def of(self, name: str) -> Mapping[str, str] | None:
        """Labels of a namespace; None while it is not known."""
        found = (reflector.of((name, "")).get(name) for reflector in self.reflectors)
        return next((namespace.metadata.labels for namespace in found if namespace is not None), None)

    def _changed(self, key: Key) -> None:
        # The first list is no news: who asked for it looks at every Nginx anyway.
        if all(reflector.synced.is_set() for reflector in self.reflectors):
            self._relabelled(key[0])


def kept(namespace: Namespace) -> Namespace:
    """A namespace with its labels alone, so that nothing else is news."""
    meta = namespace.metadata
    return Namespace(ObjectMeta(meta.name, uid=meta.uid, resource_version=meta.resource_version, labels=meta.labels))


def _itself(metadata: ObjectMeta) -> Key:
    return metadata.name, ""
