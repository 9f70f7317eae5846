"""A reflector and the store that it fills (client-go: SharedInformer)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic

import msgspec

from nginx_operator.api.types import Key, ObjectMeta
from nginx_operator.cache.store import Changed, Store, T
from nginx_operator.kube.client import Client
from nginx_operator.kube.reflector import Reflector
from nginx_operator.kube.resources import Resource


@dataclass(frozen=True, slots=True)
class WatchedKind(Generic[T]):
    """What is watched, and how it is kept.

    Attributes:
        resource: what to read.
        decoded: the type that objects are decoded into.
        owner_key: the key of the Nginx that an object belongs to.
        transform: what is kept of an object.
        selector: which objects, as parameters of list and watch.
        metadata_only: whether their metadata is all that is asked for.
    """

    resource: Resource
    decoded: type[T]
    owner_key: Callable[[ObjectMeta], Key]
    transform: Callable[[T], T] = lambda item: item
    selector: Mapping[str, str] = field(default_factory=dict)
    metadata_only: bool = False


class Informer(Generic[T]):
    """One kind of object, in one namespace or in all.

    Args:
        client: where to read.
        kind: what to read.
        changed: told of each change in what is kept.
        namespace: None means all.

    Attributes:
        store: what is known.
        reflector: to be run.
    """

    def __init__(self, client: Client, kind: WatchedKind[T], changed: Changed[T], namespace: str | None = None) -> None:
        self.store: Store[T] = Store(kind.owner_key, changed)
        self.reflector = Reflector(
            client,
            kind.resource,
            kind.decoded,
            self.store,
            namespace,
            selector=kind.selector,
            transform=kind.transform,
            metadata_only=kind.metadata_only,
            described=f"{kind.resource.plural} in namespace {namespace}" if namespace else kind.resource.plural,
        )
        self._transform = kind.transform
        self._decoder = msgspec.json.Decoder(kind.decoded)

    def observe_write(self, raw: bytes) -> None:
        """Takes the answer to a write of our own (see Store)."""
        self.store.observe_write(self._transform(self._decoder.decode(raw)))
